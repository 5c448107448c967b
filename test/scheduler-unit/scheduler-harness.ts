import {
  asKeyId,
  asProcessId,
  type Clock,
  decodeFrame,
  ed25519PublicKey,
  type Envelope,
  Failure,
  type Frame,
  type KeyId,
  keyId,
  messagesFeed,
  type ProcessDescription,
  type ProcessId,
  type Receipt,
  type ScheduleAnswer,
  type ScheduleRequest,
} from '../../protocol/index.ts'
import { type CommittedFrame, SchedulerUnit, type SchedulerUnitParts } from '../../scheduler-unit/index.ts'
import { ManualClock } from '../fakes/manual-clock.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { seedOf, spawnItem } from '../fakes/signed-items.ts'

export const SCHEDULER: KeyId = asKeyId(keyId(ed25519PublicKey(seedOf(1))))
export const NO_MODULE = keyId(ed25519PublicKey(seedOf(200)))

/** A scheduler over a log in memory, with a clock that stands still. */
export class Harness implements AsyncDisposable {
  readonly log: MemoryLog
  readonly clock: ManualClock
  readonly unit: SchedulerUnit
  readonly committed: CommittedFrame[]

  private constructor(parts: {
    log: MemoryLog
    clock: ManualClock
    unit: SchedulerUnit
    committed: CommittedFrame[]
  }) {
    this.log = parts.log
    this.clock = parts.clock
    this.unit = parts.unit
    this.committed = parts.committed
  }

  static async open(
    options: { log?: MemoryLog; clock?: ManualClock } & Partial<SchedulerUnitParts> = {},
  ): Promise<Harness> {
    const { log = MemoryLog.open(), clock = new ManualClock(), ...parts } = options
    const committed: CommittedFrame[] = []
    const unit = await SchedulerUnit.open({
      key: SCHEDULER,
      log,
      assignable: async () => true,
      committed: frames => void committed.push(...frames),
      ...parts,
      clock: clock as Clock,
    })
    return new Harness({ log, clock, unit, committed })
  }

  async spawn(): Promise<ProcessId> {
    const item = spawnItem(NO_MODULE, SCHEDULER)
    const answer = await this.item(asProcessId(item.id), item.bytes)
    return receiptOf(answer).process
  }

  async item(process: ProcessId, item: Uint8Array): Promise<ScheduleAnswer> {
    return this.one({ process, envelope: { kind: 'item', item } })
  }

  async one(request: ScheduleRequest): Promise<ScheduleAnswer> {
    const [answer] = await this.unit.schedule([request])
    if (answer === undefined) throw new TypeError('expected an answer')
    return answer
  }

  async describe(process: ProcessId): Promise<ProcessDescription> {
    const description = await this.log.directory.process(process)
    if (description === undefined) throw new TypeError('expected a process')
    return description
  }

  async frames(process: ProcessId): Promise<Frame[]> {
    const blocks = await Array.fromAsync(this.log.blocks(messagesFeed(await this.describe(process)), 0))
    return blocks.map(bytes => decodeFrame(bytes))
  }

  /** All that stands in the feed, in slot order; frames must follow each other without gaps. */
  async envelopes(process: ProcessId): Promise<Envelope[]> {
    const envelopes: Envelope[] = []
    for (const { firstSlot, assignments } of await this.frames(process)) {
      if (firstSlot !== envelopes.length) throw new Error(`expected slot ${envelopes.length}, got ${firstSlot}`)
      envelopes.push(...assignments.map(({ envelope }) => envelope))
    }
    return envelopes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unit[Symbol.asyncDispose]()
  }
}

export function receiptOf(answer: ScheduleAnswer | undefined): Receipt {
  if (answer?.status === 'scheduled' || answer?.status === 'known') return answer.receipt
  throw answer?.status === 'failed' ? answer.failure : new Error(`expected a receipt, got ${answer?.status}`)
}

/** The code of a refusal; the status, if it was none. */
export function refusalOf(answer: ScheduleAnswer): string {
  return answer.status === 'failed' && Failure.is(answer.failure) ? answer.failure.code : answer.status
}
