import {
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
import type { Unfinished } from './unfinished.ts'

export interface LeftOverParts {
  readonly log: Log
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
  /** It is read, or not any more. */
  readonly read: PromiseWithResolvers<void>
}

/**
 * Goes on with what an earlier run of this node did not deliver. Where that begins is held first, for all processes, so that nothing
 * moves their marks beyond it; reading and pushing it takes as long as it takes, while the node serves already.
 */
export class LeftOver {
  readonly #parts: LeftOverParts
  readonly #unfinished: Unfinished
  readonly #push: (process: ProcessId, result: Sending) => void
  #reading: Promise<unknown> = Promise.resolve()
  /** What is being read, or will be: whoever moves a process begins anew. */
  readonly #current = new Map<ProcessId, Unpushed>()
  #closed = false

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
        if (left !== undefined) found.set(process, left)
      })
    }
    const reading = (async () => {
      for (const left of found.values()) await this.#pushAll(left)
    })()
    this.#reading = Promise.all([this.#reading, reading])
  }

  /** Of one process, from slot `from` on; resolves when all is on its way. */
  resume(process: ProcessId, from: Slot): Promise<void> {
    return this.#try(process, async () => {
      const left = await this.#hold(process, from)
      if (left !== undefined) await this.#pushAll(left)
    })
  }

  /** Resolves once all that was left of a process is on its way; nothing, if it is already. */
  reading(process: ProcessId): Promise<void> | undefined {
    return this.#current.get(process)?.read.promise
  }

  /** Reads no more, and waits until that is so. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#reading
  }

  async #try(process: ProcessId, work: () => Promise<void>): Promise<void> {
    await work().catch(error => this.#parts.trouble?.(`resume ${process}`, Failure.from(error)))
  }

  /** Nothing, if what the process sends is not for this node to push. */
  async #hold(process: ProcessId, from: Slot): Promise<Unpushed | undefined> {
    const { log, computer } = this.#parts
    const description = await log.directory.process(process)
    if (description === undefined) throw new Failure('unknown-process', { process })
    // Its results are with others, who push what they ask for: to look for them would hold up a node that is just starting.
    if (this.#parts.sendsFor?.(description) === false) {
      this.#unfinished.strike(process)
      return undefined
    }
    const evaluated = await computer.evaluated(process)
    const left = { process, from: Math.min(from, evaluated), evaluated, read: Promise.withResolvers<void>() }
    this.#unfinished.scheduled(process, left.from, await slotCount(log, messagesFeed(description)))
    // Stands for all that is not read yet.
    this.#unfinished.opened(process, left.from, 1)
    this.#current.set(process, left)
    return left
  }

  async #pushAll(left: Unpushed): Promise<void> {
    await this.#try(left.process, () => this.#readAll(left))
    left.read.resolve()
  }

  async #readAll(left: Unpushed): Promise<void> {
    const { computer } = this.#parts
    const { process, from, evaluated } = left
    for await (const result of computer.results(process, from, evaluated)) {
      if (this.#closed || this.#current.get(process) !== left) return
      if (result.outbox.length + result.assigns.length > 0) this.#push(process, result)
    }
    if (this.#current.get(process) !== left) return
    this.#current.delete(process)
    this.#unfinished.delivered(process, from)
    this.#unfinished.evaluated(process, evaluated)
    computer.catchUp(process)
  }
}
