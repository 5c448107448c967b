import {
  asMessageId,
  asProcessId,
  CLOCK_AHEAD_MAX_MS,
  type Clock,
  decodeFrame,
  describeProcess,
  type Envelope,
  Failure,
  type Frame,
  envelopeId,
  type ItemOrPush,
  isControl,
  type Log,
  MalformedBytes,
  type MessageId,
  messagesFeed,
  type ModuleId,
  type ProcessDescription,
  type ProcessId,
  readControl,
  type Slot,
  type Timer,
} from '../../protocol/index.ts'
import {
  type AdmissionParts,
  admitApart,
  admitIngress,
  admitItem,
  admitPush,
  admitSpawnApart,
  parseIngress,
  parseItem,
} from '../seating/admission.ts'
import { Senders } from '../lanes/senders.ts'
import { timerKey } from '../timers/timer-name.ts'

export interface CheckParts extends Pick<AdmissionParts, 'notary'> {
  readonly log: Log
  readonly clock: Pick<Clock, 'now' | 'sleep'>
  /** A process that sends. @throws {Failure} `unreachable` */
  describe(process: ProcessId): Promise<ProcessDescription | undefined>
  assignable(process: ProcessDescription): Promise<boolean>
  /** The timers a process holds, as its compute units say. @throws {Failure} if nobody can be asked */
  timers?(process: ProcessId): Promise<readonly Timer[]>
  /** Sees to it that a module is here and may run. @throws {Failure} `unknown-module`, `unreachable` */
  learnModule(module: ModuleId): Promise<void>
}

/**
 * Checks what a leader proposes as if it had just arrived here: places, times, and every envelope as at admission. A tick is
 * for a timer that the process holds and that is due. Nothing is rejected: whatever an outbox can hold fits into a feed, so
 * a reject would only take a message away. @throws {Failure} `bad-proposal`, what admission throws, `unreachable`
 */
export async function checkBlocks(
  parts: CheckParts,
  process: ProcessDescription,
  base: number,
  blocks: readonly Uint8Array[],
): Promise<void> {
  const check = new BlocksCheck(parts, process, await endOf(parts.log, process, base))
  for (const bytes of blocks) {
    try {
      await check.next(decodeFrame(bytes))
    } catch (error) {
      if (error instanceof MalformedBytes) throw bad(process, error.message)
      throw error
    }
  }
}

async function endOf(
  log: Log,
  process: ProcessDescription,
  base: number,
): Promise<{ blocks: number; nextSlot: Slot; lastMs: number }> {
  const last = base === 0 ? undefined : await log.block(messagesFeed(process), base - 1)
  if (last === undefined) return { blocks: base, nextSlot: 0, lastMs: 0 }
  const { firstSlot, assignments } = decodeFrame(last)
  return { blocks: base, nextSlot: firstSlot + assignments.length, lastMs: assignments.at(-1)?.timestampMs ?? 0 }
}

class BlocksCheck {
  readonly #parts: CheckParts
  readonly #process: ProcessDescription
  readonly #blocks: number
  #nextSlot: Slot
  #lastMs: number
  #senders: Senders | undefined
  /** Messages in these blocks that may stand in a feed once. */
  readonly #seated = new Set<MessageId>()
  readonly #ticked = new Set<string>()

  constructor(parts: CheckParts, process: ProcessDescription, end: { blocks: number; nextSlot: Slot; lastMs: number }) {
    this.#parts = parts
    this.#process = process
    this.#blocks = end.blocks
    this.#nextSlot = end.nextSlot
    this.#lastMs = end.lastMs
  }

  async next({ firstSlot, assignments }: Frame): Promise<void> {
    if (firstSlot !== this.#nextSlot) throw bad(this.#process, `expected slot ${this.#nextSlot}, got ${firstSlot}`)
    for (const { timestampMs, envelope } of assignments) {
      if (timestampMs < this.#lastMs) throw bad(this.#process, 'a timestamp is before the one of the slot before')
      if (timestampMs > this.#parts.clock.now() + CLOCK_AHEAD_MAX_MS)
        throw bad(this.#process, 'a timestamp is ahead of time')
      this.#lastMs = timestampMs
      if (this.#nextSlot === 0) await this.#checkSpawn(envelope, timestampMs)
      else await this.#check(envelope, timestampMs)
      this.#nextSlot += 1
    }
  }

  async #checkSpawn(envelope: Envelope, timestampMs: number): Promise<void> {
    const spawned = describeProcess(envelope)
    if (spawned.id !== this.#process.id) throw bad(this.#process, 'slot 0 spawns another process')
    await this.#parts.learnModule(spawned.module)
    if (envelope.kind === 'item') {
      await admitSpawnApart(this.#parts.notary, parseItem(envelope.item), timestampMs)
      admitItem(envelope.item, spawned.id, timestampMs)
    } else if (envelope.kind === 'push')
      admitPush(envelope.push, envelope.proof, await this.#sender(envelope.push.core.from))
  }

  async #check(envelope: Envelope, timestampMs: number): Promise<void> {
    const { id } = this.#process
    switch (envelope.kind) {
      case 'item': {
        const item = parseItem(envelope.item)
        if (item.id === id) throw bad(this.#process, 'it is spawned already')
        await this.#once(asMessageId(item.id))
        admitItem(envelope.item, id, timestampMs, item)
        if (!isControl(item.tags)) return
        const control = readControl(item.tags)
        if ('module' in control) await this.#parts.learnModule(control.module)
        return
      }
      case 'push': {
        const { core } = envelope.push
        if (core.to !== id) throw new Failure('wrong-target', { target: core.to, process: id })
        await this.#inTurn(envelope, core.from, core.seq)
        return admitPush(envelope.push, envelope.proof, await this.#sender(core.from))
      }
      case 'ingress': {
        await this.#once(envelopeId(envelope, id, this.#nextSlot))
        const request = parseIngress(envelope.bytes)
        await admitApart(this.#parts.notary, request, this.#process, timestampMs)
        return admitIngress(envelope.bytes, request, this.#process, timestampMs)
      }
      case 'reject':
        throw bad(this.#process, 'every push can stand in a feed: none is rejected')
      case 'assign':
        if (!(await this.#parts.assignable(this.#process))) throw new Failure('not-assignable', { process: id })
        return this.#checkAssigned(envelope.message, timestampMs)
      case 'tick':
        return this.#checkTick(envelope, timestampMs)
    }
  }

  /** This node's unit may be a frame behind: it has a moment, and then the leader is told to ask again. */
  async #checkTick({ timer, dueMs }: Extract<Envelope, { kind: 'tick' }>, timestampMs: number): Promise<void> {
    const { clock, timers } = this.#parts
    const { id } = this.#process
    if (dueMs > timestampMs) throw bad(this.#process, 'a tick comes before it is due')
    const key = timerKey(timer)
    const name = `${dueMs} ${key}`
    if (this.#ticked.has(name)) throw bad(this.#process, 'a tick stands twice')
    this.#ticked.add(name)
    for (const pauseMs of TIMER_PAUSES_MS) {
      const held = await timers?.(id).catch(() => undefined)
      // Nobody can be asked: it has no effect if it is not due.
      if (held === undefined || held.some(one => one.key === key && one.dueMs === dueMs)) return
      await clock.sleep(pauseMs)
    }
    throw new Failure(
      'busy',
      { process: id, dueMs },
      { note: 'no timer of the process is due then, as far as is known here' },
    )
  }

  async #checkAssigned(message: ItemOrPush, timestampMs: number): Promise<void> {
    const { id } = this.#process
    if (message.kind === 'push') {
      if (message.push.core.to === id) throw new Failure('not-assignable', { process: id })
      return admitPush(message.push, message.proof, await this.#sender(message.push.core.from))
    }
    const item = parseItem(message.item)
    if (item.target === id) throw new Failure('not-assignable', { process: id })
    admitItem(message.item, asProcessId(item.target ?? item.id), timestampMs, item)
  }

  /** Whoever signed a message signed it once: it has one slot, or a leader could have it carried out again and again. */
  async #once(message: MessageId): Promise<void> {
    const { messages } = this.#parts.log
    const { id } = this.#process
    const isThere = !messages.lacks(id, message) && (await messages.slotOf(id, message)) !== undefined
    if (isThere || this.#seated.has(message)) throw bad(this.#process, `it has a slot already: ${message}`)
    this.#seated.add(message)
  }

  /** What a process sends comes in the order of its seqs. */
  async #inTurn(envelope: Envelope, from: ProcessId, seq: number): Promise<void> {
    const { log } = this.#parts
    if (this.#senders === undefined) {
      this.#senders = new Senders(this.#process.id, log.store, this.#process.epoch)
      await this.#senders.repair(log, messagesFeed(this.#process), this.#blocks)
    }
    if (this.#senders.expected(from) === undefined) await this.#senders.load(from)
    const expected = this.#senders.expected(from) ?? 0
    if (seq !== expected) throw bad(this.#process, `expected seq ${expected} of ${from}, got ${seq}`)
    this.#senders.enqueued(envelope)
  }

  async #sender(process: ProcessId): Promise<ProcessDescription> {
    const sender = await this.#parts.describe(process)
    if (sender === undefined) throw new Failure('unknown-process', { process })
    return sender
  }
}

/** Before a timer that is not known here is looked for again. */
const TIMER_PAUSES_MS = [50, 150, 400, 900]

const bad = (process: ProcessDescription, reason: string): Failure =>
  new Failure('bad-proposal', { process: process.id }, { note: reason })
