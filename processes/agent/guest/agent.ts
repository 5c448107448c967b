import type { Program } from './definition.ts'
import type { Task } from './task.ts'

/** What is fixed when a process is spawned. */
export interface Facts {
  readonly self: string
  readonly owner: string
  readonly parent: string | undefined
  /** Key of the messenger unit that performs effects, and the address of what it signs. */
  readonly messenger: string
  readonly messengerAddress: string
  /** Module ids by contract name, for children. */
  readonly modules: Readonly<Record<string, string>>
}

/** A request of ours whose reply is awaited. */
export interface Call {
  readonly reference: number
  readonly task: Task | undefined
  readonly to: string
  /** Whose replies count: `to`, or the address of the messenger unit. */
  readonly answerer: string
  readonly action: string
  /** It cannot wait for a lock of the other side. */
  readonly isQuery: boolean
  readonly timeoutMs: number
  deadlineMs: number
  retries: number
  readonly again: () => void
  resolve(reply: Reply): void
  reject(error: unknown): void
}

export interface Reply {
  readonly from: string
  readonly tags: readonly string[]
  readonly data: string
  readonly isBase64: boolean
}

export interface Sleep {
  readonly task: Task | undefined
  readonly dueMs: number
  /** Undefined: once. */
  readonly everyMs: number | undefined
  wake(): void
  /** Undefined: nobody waits for it. */
  readonly fail: ((error: unknown) => void) | undefined
}

export interface Schedule {
  readonly message: string
  readonly input: unknown
  dueMs: number
  readonly everyMs: number | undefined
  readonly cron: string | undefined
}

/** Who waits for an answer: a request, or what is known of one after an upgrade. */
export type Asker = Pick<Task, 'id' | 'from' | 'reference'>

/** A reply or an error for which the slot in which it came had no room. */
export interface LateAnswer {
  readonly asker: Asker
  /** On whose fuel it lives; undefined: on that of the slot in which it goes. */
  readonly payer: Task | undefined
  readonly head: string
  readonly text: string
  readonly quoted: string | undefined
  readonly bytes: number
}

/** All that a process remembers. One guest is one process, so there is one. */
export const agent = {
  implementation: undefined as Program | undefined,
  definitions: 0,
  facts: undefined as Facts | undefined,
  started: false,
  state: undefined as unknown,
  /** The exclusive request that is under way. */
  lock: undefined as Task | undefined,
  queue: [] as Task[],
  /** Requests that have begun and wait for something. */
  open: new Set<Task>(),
  /** Answers to requests that have ended, for later slots. */
  late: [] as LateAnswer[],
  /** The message that goes on with the queue is under way. */
  isNextSent: false,
  calls: new Map<number, Call>(),
  sleeps: new Map<number, Sleep>(),
  schedules: new Map<string, Schedule>(),
  /** For references, timers and schedules without a key. */
  lastNumber: 0,
  /** When the wake timer fires; undefined: it is not set. */
  wakeMs: undefined as number | undefined,
}

/** @throws {Error} before the program has defined itself */
export function implementation(): Program {
  if (agent.implementation === undefined) throw new Error('expected an implementation')
  return agent.implementation
}
