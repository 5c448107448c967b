import type { Facts } from './agent.ts'
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

/** One request that this process serves: a message, or a firing of a schedule. */
export class Task {
  readonly action: string
  readonly from: string
  readonly flags: number
  readonly data: string
  readonly slot: number
  state: 'queued' | 'running' | 'done' = 'queued'
  /** What its code acts with, while it waits. Most never do, so no constructor sets it. */
  declare context: object | undefined
  /** It ended with an error: what is left of its code can do nothing. */
  declare isFailed: true | undefined
  /** What its calls tell of who waits for them, as JSON; made with the first. */
  chain: string | undefined
  /** What the process asked of itself: an input that is no text. */
  input: { readonly value: unknown } | undefined
  /** X-Reference of what answers a call, else Reference of a request of a process. */
  readonly named: string
  /** As it came, until somebody asks. A private field would take five times as long to make. */
  restOrText: string | Rest

  constructor(
    action: string,
    from: string,
    flags: number,
    data: string,
    slot: number,
    rest: string | Rest,
    named = '',
  ) {
    this.action = action
    this.from = from
    this.flags = flags
    this.data = data
    this.slot = slot
    this.restOrText = rest
    this.named = named
  }

  get rest(): Rest {
    if (typeof this.restOrText === 'string') this.restOrText = JSON.parse(this.restOrText) as Rest
    return this.restOrText
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
