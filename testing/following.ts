import {
  asMessageId,
  decodeFrame,
  envelopeId,
  Failure,
  type KeyId,
  messagesFeed,
  type NewBlock,
  parseDataItem,
  type ProcessDescription,
  type ProcessId,
  readFrameHead,
  verifyDataItem,
} from '../protocol/index.ts'
import { LearnedProcesses } from '../node/index.ts'
import type { NodeRun } from './node-run.ts'

const RETRY_MS = 500

/**
 * What a node does to follow processes that are scheduled elsewhere: it takes their feeds over, block by block, and its
 * compute unit evaluates them, believing nobody. On a network of machines replication of the feeds does this.
 */
export class Following {
  readonly #run: NodeRun
  readonly #learned: LearnedProcesses
  readonly #pulling = new Map<ProcessId, Promise<void>>()

  constructor(run: NodeRun) {
    this.#run = run
    const { clock, log, peers } = run
    this.#learned = new LearnedProcesses({ directory: log.directory, peers, clock })
  }

  /** Takes over all that is new; ends when it has caught up. @throws {Failure} `unreachable`, `unknown-process` */
  pull(process: ProcessId): Promise<void> {
    const before = this.#pulling.get(process) ?? Promise.resolve()
    const pulling = before.catch(() => undefined).then(() => this.#pull(process))
    this.#pulling.set(process, pulling)
    return pulling.finally(() => {
      if (this.#pulling.get(process) === pulling) this.#pulling.delete(process)
    })
  }

  /** Pulls until it succeeds. */
  async keepUp(process: ProcessId): Promise<void> {
    for (;;) {
      try {
        return await this.pull(process)
      } catch (error) {
        if (Failure.from(error).blame !== 'transient') throw error
        await this.#run.clock.sleep(RETRY_MS)
      }
    }
  }

  async #pull(id: ProcessId): Promise<void> {
    const process = await this.#learned.process(id)
    if (process === undefined) throw new Failure('unknown-process', { process: id })
    const { schedulers } = process.policy
    if (schedulers.includes(this.#run.key)) return this.#run.units.scheduler.catchUp(id)
    await this.#learnModule(process)
    let unreachable: unknown
    let reached = 0
    // Of several schedulers one may lag behind another.
    for (const scheduler of schedulers) {
      try {
        await this.#pullFrom(process, scheduler)
        reached += 1
      } catch (error) {
        unreachable = error
      }
    }
    if (reached === 0) throw unreachable
  }

  async #pullFrom(process: ProcessDescription, scheduler: KeyId): Promise<void> {
    const { log, peers } = this.#run
    for (;;) {
      const from = await log.length(messagesFeed(process))
      const blocks = await peers.frames(scheduler, process.id, from)
      if (blocks.length === 0) return
      for (const [i, bytes] of blocks.entries()) await this.#take(process, from + i, bytes)
    }
  }

  async #learnModule({ module }: ProcessDescription): Promise<void> {
    const { log, peers } = this.#run
    if ((await log.directory.module(module)) !== undefined) return
    const bytes = await peers.moduleItem(module)
    if (bytes === undefined) throw new Failure('unknown-module', { module })
    const item = parseDataItem(bytes)
    if (item.id !== module || !verifyDataItem(item))
      throw new Failure('bad-signature', { id: item.id })
    await log.directory.addModule(item)
  }

  async #take(process: ProcessDescription, index: number, bytes: Uint8Array): Promise<void> {
    const { log, units, key } = this.#run
    const frame = decodeFrame(bytes)
    for (const { envelope } of frame.assignments) {
      const message = envelope.kind === 'assign' ? envelope.message : envelope
      if (message.kind === 'push') await this.#learned.process(message.push.core.from)
    }
    const ids = frame.assignments.map(({ envelope }, i) =>
      asMessageId(envelopeId(envelope, process.id, frame.firstSlot + i)),
    )
    const block: NewBlock = {
      feed: messagesFeed(process),
      index,
      bytes,
      ids,
      firstSlot: frame.firstSlot,
    }
    await log.commit([block])
    if (process.policy.computeUnits.includes(key))
      units.messenger.scheduled(process, readFrameHead(bytes).firstSlot, bytes)
    units.computer.accept(process, { index, bytes })
  }
}
