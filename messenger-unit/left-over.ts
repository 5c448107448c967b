import {
  type Clock,
  type Computer,
  Failure,
  type Log,
  messagesFeed,
  type ProcessDescription,
  type ProcessId,
  type Sending,
  type Slot,
  slotCount,
} from '../protocol/index.ts'
import { backOffMs } from './retry.ts'
import type { Unfinished } from './unfinished.ts'

/** Processes that are read at a time: one that takes long, for want of results, does not keep all others waiting. */
const READ_TOGETHER = 4

export interface LeftOverParts {
  readonly log: Log
  readonly clock: Clock
  random(): number
  readonly computer: Computer & { catchUp(process: ProcessId): void }
  /** See `MessengerUnitParts`. */
  sendsFor?(process: ProcessDescription): boolean
  trouble?(what: string, failure: Failure): void
}

/** Results of a process from `from` up to `evaluated` may ask for something that was not delivered. */
interface Unpushed {
  readonly process: ProcessId
  readonly from: Slot
  readonly evaluated: Slot
  /** The first that was not read yet. */
  next: Slot
  /** It is read, or not any more. */
  readonly read: PromiseWithResolvers<void>
}

/**
 * Goes on with what an earlier run of this node did not deliver. Where that begins is held first, for all processes, so that nothing
 * moves their marks beyond it; reading and pushing it takes as long as it takes, while the node serves already. What cannot be read is
 * tried again for ever, later and later, and holds up no other.
 */
export class LeftOver {
  readonly #parts: LeftOverParts
  readonly #unfinished: Unfinished
  readonly #push: (process: ProcessId, result: Sending) => void
  #reading: Promise<unknown> = Promise.resolve()
  /** What is being read, or will be: whoever moves a process begins anew. */
  readonly #current = new Map<ProcessId, Unpushed>()
  readonly #closed = new AbortController()

  constructor(parts: LeftOverParts, unfinished: Unfinished, push: (process: ProcessId, result: Sending) => void) {
    this.#parts = parts
    this.#unfinished = unfinished
    this.#push = push
  }

  /** Of all processes with a mark; resolves when the marks are held. */
  async resumeAll(): Promise<void> {
    const from = await this.#unfinished.kept()
    for (const { feed, firstSlot } of this.#parts.log.recovered) {
      from.set(feed.process, Math.min(firstSlot, from.get(feed.process) ?? firstSlot))
    }
    const found = new Map<ProcessId, Unpushed>()
    for (const [process, slot] of from) {
      await this.#try(process, async () => {
        const left = await this.#hold(process, slot)
        if (left === undefined) return
        found.set(process, left)
        // What came meanwhile is evaluated while that is read: a node that is killed often has no time for one after the other.
        this.#parts.computer.catchUp(process)
      })
    }
    this.#readSoon([...found.values()])
  }

  /** Of one process, from slot `from` on; resolves when all is on its way, or is tried again later. */
  async resume(process: ProcessId, from: Slot): Promise<void> {
    await this.#try(process, async () => {
      const left = await this.#hold(process, from)
      if (left !== undefined && !(await this.#pushAll(left))) this.#readSoon([left], 1)
    })
  }

  /** Resolves once all that was left of a process is on its way; nothing, if it is already. */
  reading(process: ProcessId): Promise<void> | undefined {
    return this.#current.get(process)?.read.promise
  }

  /** Strikes off a process: what it sends is not for this node to push. */
  forget(process: ProcessId): void {
    this.#current.get(process)?.read.resolve()
    this.#current.delete(process)
    this.#unfinished.strike(process)
  }

  /** Reads no more, and waits until that is so. */
  async close(): Promise<void> {
    this.#closed.abort()
    await this.#reading
  }

  /** Whether it went well; whoever looks after the node is told if not. */
  async #try(process: ProcessId, work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      this.#parts.trouble?.(`resume ${process}`, Failure.from(error))
      return false
    }
  }

  #readSoon(left: readonly Unpushed[], failures = 0): void {
    this.#reading = Promise.all([this.#reading, this.#read(left, failures)])
  }

  /** A few at a time; those that could not be read once more when all had their turn. */
  async #read(left: readonly Unpushed[], failures: number): Promise<void> {
    const { clock, random } = this.#parts
    const { signal } = this.#closed
    for (let attempt = failures; left.length > 0; attempt++) {
      if (attempt > 0) await clock.sleep(backOffMs(attempt, random()), { signal }).catch(() => undefined)
      const failed: Unpushed[] = []
      const turns = left.values()
      const readOn = async (): Promise<void> => {
        for (const one of turns) if (!(await this.#pushAll(one))) failed.push(one)
      }
      await Promise.all(Array.from({ length: READ_TOGETHER }, readOn))
      left = failed
    }
  }

  /** Nothing, if what the process sends is not for this node to push. */
  async #hold(process: ProcessId, from: Slot): Promise<Unpushed | undefined> {
    const { log, computer } = this.#parts
    const description = await log.directory.process(process)
    if (description === undefined) throw new Failure('unknown-process', { process })
    // Its results are with others, who push what they ask for: to look for them would hold up a node that is just starting.
    if (this.#parts.sendsFor?.(description) === false) {
      this.forget(process)
      return undefined
    }
    const evaluated = await computer.evaluated(process)
    const start = Math.min(from, evaluated)
    const left = { process, from: start, evaluated, next: start, read: Promise.withResolvers<void>() }
    this.#unfinished.scheduled(process, left.from, await slotCount(log, messagesFeed(description)))
    // Stands for all that is not read yet.
    this.#unfinished.opened(process, left.from, 1)
    this.#current.set(process, left)
    return left
  }

  /** Whether nobody wants it read any more. */
  #isOver(left: Unpushed): boolean {
    return this.#closed.signal.aborted || this.#current.get(left.process) !== left
  }

  /** Whether it could be read, or need not be. If not, nobody waits for it any longer. */
  async #pushAll(left: Unpushed): Promise<boolean> {
    const isRead = await this.#try(left.process, () => this.#readAll(left))
    left.read.resolve()
    return isRead
  }

  async #readAll(left: Unpushed): Promise<void> {
    const { computer } = this.#parts
    const { process, from, evaluated, next } = left
    // Before anything is read: what fails at its first result would be tried again for ever.
    if (this.#isOver(left)) return
    for await (const result of computer.results(process, next, evaluated)) {
      if (this.#isOver(left)) return
      if (result.outbox.length + result.assigns.length > 0) this.#push(process, result)
      left.next = result.slot + 1
    }
    if (this.#isOver(left)) return
    this.#current.delete(process)
    this.#unfinished.delivered(process, from)
    this.#unfinished.evaluated(process, evaluated)
    computer.catchUp(process)
  }
}
