/**
 * Some frames of processes that others evaluate are evaluated here too, and what a compute unit certified of them is compared.
 *
 * 1. Each frame that this node takes over, or commits, is picked by chance, when it is seen: no unit can know which.
 * 2. To evaluate a frame, this node's own compute unit evaluates what stands before it, from its last checkpoint on. So that this
 *    takes a small part of a processor whatever is picked, one frame is looked at at a time, with rests between; picks for which there is
 *    no room are left out, and counted.
 * 3. A unit of the process, any of them by chance, is asked for its own word. Of what it signed and the frame did not give, a fault is
 *    told. Where two feeds were signed, frames differ, and that is no fault of a unit.
 */
import {
  type Clock,
  decodeCertificate,
  equalBytes,
  type Evidence,
  Failure,
  findFrame,
  type FeedGrowth,
  type FinalFrame,
  type KeyId,
  type Log,
  MalformedBytes,
  messagesFeed,
  type ProcessDescription,
  type ProcessId,
  readFinalFrame,
  readFrameHead,
  resultsFeed,
  type Slot,
  type UnitPeers,
} from '../protocol/index.ts'
import { type OwnUnit, unitsElsewhere } from './parts.ts'

/** How a check ended; `skipped`: there was no room for it. */
export type SpotCheckOutcome = 'same' | 'different' | 'failed' | 'skipped'

export interface SpotChecksParts {
  readonly key: KeyId
  readonly unit: Pick<OwnUnit, 'result'>
  readonly log: Log
  readonly peers: Pick<UnitPeers, 'finalFrames'>
  readonly evidence: Pick<Evidence, 'fault'>
  readonly clock: Clock
  /** Part of the frames that are picked, from 0 to 1. */
  readonly share: number
  /** From [0, 1). */
  readonly random: () => number
  readonly checked: (outcome: SpotCheckOutcome) => void
  readonly trouble: (process: ProcessId, failure: Failure) => void
}

/** Frames that were picked and not looked at yet. */
const PICKED_MAX = 256
/** A rest is so many times as long as the evaluation before it: this node's own work comes first. */
const REST_FACTOR = 4
/** How long this node's own unit may evaluate for one check; it goes on from there at the next. */
const EVALUATION_MAX_MS = 60_000
/** How long a unit may take to come to the frame. */
const UNIT_WAIT_MS = 10_000
const LOOK_AGAIN_MS = 50

export class SpotChecks implements Disposable {
  readonly #parts: SpotChecksParts
  readonly #watch: Disposable
  readonly #ended = new AbortController()
  readonly #picked: { readonly process: ProcessId; readonly slot: Slot }[] = []
  #running = false

  constructor(parts: SpotChecksParts) {
    this.#parts = parts
    this.#watch = parts.log.watch(growth => this.#grew(growth))
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]()
    this.#ended.abort(new Failure('shutting-down'))
  }

  #grew({ feed, blocks }: FeedGrowth): void {
    if (feed.kind !== 'messages') return
    for (const block of blocks) {
      const slot = this.#parts.random() < this.#parts.share ? firstSlotOf(block) : undefined
      if (slot === undefined) continue
      if (this.#picked.length < PICKED_MAX) this.#picked.push({ process: feed.process, slot })
      else this.#parts.checked('skipped')
    }
    if (!this.#running) void this.#run()
  }

  async #run(): Promise<void> {
    const { clock, checked, trouble } = this.#parts
    const { signal } = this.#ended
    this.#running = true
    for (let next = this.#picked.shift(); next !== undefined; next = this.#picked.shift()) {
      const startedMs = clock.elapsed()
      let evaluatedMs = startedMs
      try {
        const process = await this.#evaluated(next.process, next.slot)
        evaluatedMs = clock.elapsed()
        if (process !== undefined) checked(await this.#compare(process, next.slot))
      } catch (error) {
        if (signal.aborted) return
        checked('failed')
        trouble(next.process, Failure.from(error))
      }
      const restMs = REST_FACTOR * (evaluatedMs - startedMs)
      if (restMs > 0) await clock.sleep(restMs, { signal, for: 'upkeep' }).catch(() => undefined)
      if (signal.aborted) return
    }
    this.#running = false
  }

  /** Has a slot evaluated here; nothing, if nobody else evaluates its process. */
  async #evaluated(id: ProcessId, slot: Slot): Promise<ProcessDescription | undefined> {
    const { log, unit, key } = this.#parts
    const process = await log.directory.process(id)
    if (process === undefined || unitsElsewhere(process, key).length === 0) return undefined
    await unit.result(id, slot, { signal: this.#ended.signal, timeoutMs: EVALUATION_MAX_MS })
    return process
  }

  /** @throws {Failure} if there is nothing to compare with, or it proves nothing */
  async #compare(process: ProcessDescription, slot: Slot): Promise<'same' | 'different'> {
    const { key, evidence, random } = this.#parts
    const others = unitsElsewhere(process, key)
    const other = others[Math.floor(random() * others.length)]
    if (other === undefined) throw new Failure('internal', { process: process.id })
    const said = await this.#askedOf(other, process, slot)
    if (said === undefined) throw new Failure('timeout', { process: process.id, slot, unit: other })
    const own = await this.#ownCertificate(process, slot)
    if (equalBytes(own, said.certificateBytes)) return 'same'
    const [here, there] = [own, said.certificateBytes].map(one => decodeCertificate(one).frameHash)
    if (here === undefined || there === undefined || !equalBytes(here, there))
      throw new Failure(
        'verification-failed',
        { process: process.id, slot, unit: other },
        { note: 'it speaks of another frame' },
      )
    const { certificateBytes } = said
    for (const signed of said.signatures)
      evidence.fault({ process: process.id, certificateBytes, ...signed, other: undefined })
    return 'different'
  }

  /** What this node's own unit certified: it stands in its feed a moment after the evaluation, and there whoever judges looks for it. */
  async #ownCertificate(process: ProcessDescription, slot: Slot): Promise<Uint8Array> {
    const { log, key, clock } = this.#parts
    const frame = await findFrame(log, messagesFeed(process), slot)
    const untilMs = clock.elapsed() + UNIT_WAIT_MS
    while (frame !== undefined && clock.elapsed() < untilMs) {
      const certificate = await log.block(resultsFeed(process, key), frame.index)
      if (certificate !== undefined) return certificate
      await clock.sleep(LOOK_AGAIN_MS, { signal: this.#ended.signal, for: 'wait' })
    }
    throw new Failure('unknown-slot', { process: process.id, slot })
  }

  async #askedOf(unit: KeyId, process: ProcessDescription, slot: Slot): Promise<FinalFrame | undefined> {
    const options = { signal: this.#ended.signal, timeoutMs: 2 * UNIT_WAIT_MS }
    const [frame] = await this.#parts.peers.finalFrames(unit, process.id, slot, UNIT_WAIT_MS, options)
    const read = frame && readFinalFrame(frame, process)
    if (typeof read === 'string')
      throw new Failure('verification-failed', { process: process.id, slot, unit, reason: read })
    return frame
  }
}

/** Nothing, if the block is no frame: that is a fault of its scheduler. */
function firstSlotOf(block: Uint8Array): Slot | undefined {
  try {
    return readFrameHead(block).firstSlot
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}
