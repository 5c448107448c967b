import { childProcessHosts, ComputeUnit, type ComputeUnitParts } from '../../compute-unit/index.ts'
import { hostProgram, standardModules } from '../../node/index.ts'
import {
  asProcessId,
  type Certificate,
  decodeCertificate,
  decodeFrame,
  describeProcess,
  type Envelope,
  encodeEnvelope,
  encodeFrame,
  envelopeId,
  messagesFeed,
  type ModuleId,
  type ProcessDescription,
  type ProcessId,
  type Result,
  resultsFeed,
  type Slot,
  slotCount,
  type StoreChange,
  type Tag,
  type Timer,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { ManualClock } from '../fakes/manual-clock.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { copyDirectory } from '../fakes/test-node.ts'
import { messageItem, moduleItem, seedOf, spawnItem } from '../fakes/signed-items.ts'

/** The scheduler of all feeds here: a key, so that a test can put anything into a feed. */
const SCHEDULER = keyOf(1)
const UNIT = 2
/** A host that has to start anew takes longer than a client would wait, on a busy machine. */
const RESULT = { timeoutMs: 240_000 }

type Tags = Readonly<Record<string, string>>

/** A compute unit that trusts no scheduler, over feeds that the test writes. */
export class ComputeHarness implements AsyncDisposable {
  readonly log: MemoryLog
  readonly unit: ComputeUnit
  readonly timers = new Map<ProcessId, readonly Timer[]>()
  readonly troubles: string[]
  #timeMs = 1_700_000_000_000

  private constructor(parts: {
    log: MemoryLog
    unit: ComputeUnit
    timers: Map<ProcessId, readonly Timer[]>
    troubles: string[]
  }) {
    this.log = parts.log
    this.unit = parts.unit
    this.timers = parts.timers
    this.troubles = parts.troubles
  }

  static async open(
    options: { log?: MemoryLog; unit?: number } & Partial<ComputeUnitParts> = {},
  ): Promise<ComputeHarness> {
    const { log = MemoryLog.open(), unit: number = UNIT, ...parts } = options
    const timers = new Map<ProcessId, readonly Timer[]>()
    const troubles: string[] = []
    const unit = await ComputeUnit.open({
      key: keyOf(number),
      seed: seedOf(number),
      log,
      clock: new ManualClock(),
      openHost: childProcessHosts(hostProgram()),
      hosts: 1,
      evaluated: () => undefined,
      timers: (process, list) => void timers.set(process, list),
      trouble: (_, failure) => void troubles.push(failure.message),
      ...parts,
    })
    return new ComputeHarness({ log, unit, timers, troubles })
  }

  async addModule(wasm: Uint8Array, tags: readonly Tag[]): Promise<ModuleId> {
    return (await this.log.directory.addModule(moduleItem(wasm, tags))).id
  }

  async addStandard(name: 'counter' | 'relay'): Promise<ModuleId> {
    const found = (await standardModules()).find(one => one.name === name)
    if (found === undefined) throw new TypeError(`no standard module ${name}`)
    return this.addModule(found.wasm, found.tags)
  }

  /** A process whose scheduler is the test, and whose compute unit is this one. */
  async spawn(module: ModuleId, tags: Tags = {}): Promise<ProcessId> {
    const item = spawnItem(module, SCHEDULER, { tags: { 'Compute-Unit': keyOf(UNIT), ...tags } })
    const envelope: Envelope = { kind: 'item', item: item.bytes }
    const description = describeProcess(envelope)
    await this.log.directory.addProcess(description, encodeEnvelope(envelope))
    await this.write(description.id, [envelope])
    return asProcessId(item.id)
  }

  async describe(process: ProcessId): Promise<ProcessDescription> {
    const description = await this.log.directory.process(process)
    if (description === undefined) throw new TypeError('expected a process')
    return description
  }

  /** Puts envelopes into the feed as one frame, a second after the last; gives the first slot. */
  write(process: ProcessId, envelopes: readonly Envelope[], timestampMs?: number): Promise<Slot> {
    const written = this.#writing.then(() => this.#write(process, envelopes, timestampMs))
    this.#writing = written.catch(() => undefined)
    return written
  }

  async #write(process: ProcessId, envelopes: readonly Envelope[], timestampMs: number | undefined): Promise<Slot> {
    this.#timeMs += 1000
    const description = await this.describe(process)
    const feed = messagesFeed(description)
    const index = await this.log.length(feed)
    const firstSlot = await slotCount(this.log, feed)
    const assignments = envelopes.map(envelope => ({
      timestampMs: timestampMs ?? this.#timeMs,
      envelopeBytes: encodeEnvelope(envelope),
    }))
    const bytes = encodeFrame(firstSlot, assignments)
    const ids = envelopes.map((envelope, i) => idOf(envelope, process, firstSlot + i))
    await this.log.commit([{ feed, index, bytes, ids, firstSlot }])
    this.unit.accept(description, { index, bytes })
    return firstSlot
  }

  /** Takes over modules, processes and feeds of another, and evaluates them. */
  async mirror(from: ComputeHarness, process: ProcessId): Promise<void> {
    await copyDirectory(from.log, this.log)
    const description = await this.describe(process)
    const feed = messagesFeed(description)
    let slots = 0
    for await (const bytes of from.log.blocks(feed, await this.log.length(feed))) {
      const { firstSlot, assignments } = decodeFrame(bytes)
      const index = await this.log.length(feed)
      const ids = assignments.map(({ envelope }, i) => idOf(envelope, process, firstSlot + i))
      await this.log.commit([{ feed, index, bytes, ids, firstSlot }])
      this.unit.accept(description, { index, bytes })
      slots = firstSlot + assignments.length
    }
    if (slots > 0) await this.unit.result(process, slots - 1, RESULT)
  }

  #writing: Promise<unknown> = Promise.resolve()

  get nowMs(): number {
    return this.#timeMs
  }

  /** Puts a signed message into the feed and waits for its result. */
  async ask(process: ProcessId, tags: Tags = {}, data: string | Uint8Array = ''): Promise<Result> {
    return this.put(process, { kind: 'item', item: messageItem(process, { tags, data }).bytes })
  }

  /** Puts an envelope into the feed and waits for its result. */
  async put(process: ProcessId, envelope: Envelope, timestampMs?: number): Promise<Result> {
    return this.unit.result(process, await this.write(process, [envelope], timestampMs), RESULT)
  }

  /** What this unit certified, frame by frame. */
  async certificates(process: ProcessId, unit = UNIT): Promise<Certificate[]> {
    const blocks = this.log.blocks(resultsFeed(await this.describe(process), keyOf(unit)), 0)
    return (await Array.fromAsync(blocks)).map(decodeCertificate)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unit[Symbol.asyncDispose]()
  }
}

function idOf(envelope: Envelope, process: ProcessId, slot: Slot): ReturnType<typeof envelopeId> {
  try {
    return envelopeId(envelope, process, slot)
  } catch {
    // Bytes that are no item have no id of their own.
    return envelopeId({ kind: 'tick', timer: new Uint8Array(0), dueMs: 0 }, process, slot)
  }
}

/** A message as it stands in a feed. */
export const itemEnvelope = (process: ProcessId, tags: Tags = {}, data: string | Uint8Array = ''): Envelope => ({
  kind: 'item',
  item: messageItem(process, { tags, data }).bytes,
})

/** What is left of a node whose hosts are gone: feeds and directory, and the store unless it is lost. */
export async function remainsOf({ log: before }: ComputeHarness, store: 'kept' | 'lost'): Promise<MemoryLog> {
  const log = MemoryLog.open({ from: before })
  await copyDirectory(before, log)
  if (store === 'lost') return log
  const changes: StoreChange[] = await Array.fromAsync(
    before.store.range({ gte: new Uint8Array(0), lt: new Uint8Array(100).fill(255) }),
  )
  log.store.write(changes)
  for (const { id } of await before.directory.processes({ limit: 100 })) {
    const feed = { kind: 'results' as const, process: id, epoch: 0, signers: [keyOf(2)], quorum: 1 }
    await log.append(feed, 0, await Array.fromAsync(before.blocks(feed, 0)))
  }
  return log
}
