import type { Facts } from './agent.ts'
import { host } from './host.ts'
import { tagOf } from './tags.ts'

/** What the host tells of a message in one number: so that most of what else it tells need not be read. */
export const FLAGS = {
  /** A process sent it; otherwise a person did. */
  fromProcess: 1,
  /** The data are base64 of bytes that are no UTF-8. */
  base64: 2,
  /** A process waits for the reply. */
  hasReference: 4,
  /** It has an X-Reference: it answers a call. */
  isReply: 8,
  /** The slot ran before, and steps of it failed. */
  isRepeated: 16,
  /** It comes with what the process is. */
  hasFacts: 32,
  /** The messages that led here are so many that the reply to a call would be dropped. */
  isDeep: 64,
  /** The messages that led here have used up most of what the first of them brought. */
  isSpent: 128,
  /** It has a tag Error. */
  hasError: 256,
  /** Its input was read by the host, and is what the schema makes of it. */
  isRead: 512,
  /** Its input is a value that the process itself gave. The host never says so. */
  isGiven: 1024,
} as const

/** The rest of a message, as JSON, which is read when somebody asks. */
type Rest = readonly [
  id: string,
  depth: number,
  origin: string,
  tags: readonly string[],
  failures: readonly (readonly [step: number, code: string, message: string, request: number])[] | 0,
  facts: Facts | 0,
  /** What a process sent brings it. */
  fuel?: number,
]

/** One request that this process serves: a message, or a firing of a schedule. That of a message the host makes itself, like one of `samples`. */
export class Task {
  readonly action: string
  readonly from: string
  readonly flags: number
  readonly slot: number
  state: 'queued' | 'running' | 'done' = 'queued'
  /** What its code acts with, while it waits. Most never do, so no constructor sets it. */
  declare context: object | undefined
  /** It ended with an error: what is left of its code can do nothing. */
  declare isFailed: true | undefined
  /** What its calls tell of who waits for them, as JSON; made with the first. */
  chain: string | undefined
  /** What it asks with, if that need not be read out of its data (`isRead`, `isGiven`). */
  readonly input: unknown
  /** The number of the message or query that it asks for; -1: only its name is known. */
  readonly route: number
  /** X-Reference of what answers a call, else Reference of a request of a process. */
  readonly named: string
  /** As they came, or nothing until somebody asks: the host has them while the slot runs, and puts them here if somebody may ask later. */
  dataOrNothing: string | undefined
  restOrNothing: string | Rest | undefined

  constructor(
    action: string,
    from: string,
    flags: number,
    data: string | undefined,
    slot: number,
    rest: Rest | undefined,
    named = '',
    input?: unknown,
  ) {
    this.action = action
    this.from = from
    this.flags = flags
    this.dataOrNothing = data
    this.slot = slot
    this.restOrNothing = rest
    this.named = named
    this.route = -1
    this.input = input
  }

  get data(): string {
    this.dataOrNothing ??= host.data()
    return this.dataOrNothing
  }
  get rest(): Rest {
    const rest = this.restOrNothing ?? host.rest()
    if (typeof rest !== 'string') return rest
    const read = JSON.parse(rest) as Rest
    this.restOrNothing = read
    return read
  }

  get id(): string {
    return this.rest[0]
  }
  get depth(): number {
    return this.rest[1]
  }
  /** Gas that it may spend, itself and through what it causes; undefined: as much as there is. */
  get fuel(): number | undefined {
    return this.rest[6]
  }
  get origin(): string {
    return this.rest[2]
  }
  /** Names and values in turn. */
  get tags(): readonly string[] {
    return this.rest[3]
  }
  get isProcess(): boolean {
    return (this.flags & FLAGS.fromProcess) !== 0
  }
  get isReply(): boolean {
    return (this.flags & FLAGS.isReply) !== 0
  }
  /** What its tag Error says. */
  get error(): string | undefined {
    return (this.flags & FLAGS.hasError) === 0 ? undefined : tagOf(this.tags, 'Error')
  }
  get isBase64(): boolean {
    return (this.flags & FLAGS.base64) !== 0
  }
  /** Set if the process that asked waits for a reply. */
  get reference(): string | undefined {
    if ((this.flags & FLAGS.hasReference) === 0) return undefined
    return this.isReply ? tagOf(this.tags, 'Reference') : this.named
  }
  /** The call that it says it answers. */
  get answers(): string | undefined {
    return this.isReply ? this.named : undefined
  }
  /** The calls that wait for this request, outermost first: `<process>:<message>`. */
  get waiting(): readonly string[] {
    return tagOf(this.tags, 'Waiting')?.split(',') ?? []
  }
  /** Whoever asked is locked until the reply comes. */
  get callerLocked(): boolean {
    return tagOf(this.tags, 'Exclusive') === 'true'
  }
}
