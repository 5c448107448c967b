import {
  type Attestation,
  type CallOptions,
  encodeUnitReading,
  Failure,
  type FinalFrame,
  type KeyId,
  messagesFeed,
  type ProcessDescription,
  type ProcessId,
  type Slot,
  slotCount,
  type UnitRead,
} from '../protocol/index.ts'
import type { AgreedComputer } from './agreed-computer.ts'
import type { Agreement } from './agreement.ts'
import { type AgreementParts, positionOf } from './parts.ts'

export interface UnitServiceParts extends Pick<AgreementParts, 'key' | 'unit' | 'log' | 'clock'> {
  readonly agreement: Agreement
  readonly computer: AgreedComputer
  timersChanged(process: ProcessId): void
  expectedSeq(to: ProcessId, from: ProcessId): Promise<number>
}

/** One answer with final frames. */
const FRAMES_MAX = 64
const FRAMES_SIZE_BYTES = 512 * 1024
/** Longest time an answer is held back for what is not final yet. */
const WAIT_MAX_MS = 20_000

/** What this node's own compute unit and scheduler answer to other nodes: the other end of `UnitPeers`. */
export class UnitService {
  readonly #parts: UnitServiceParts

  constructor(parts: UnitServiceParts) {
    this.#parts = parts
  }

  attest(process: ProcessId, attestations: readonly Attestation[], from?: KeyId): Promise<void> {
    return this.#parts.agreement.heard(process, attestations, from)
  }

  async attestations(process: ProcessId, from: number): Promise<readonly Attestation[]> {
    return this.#parts.agreement.attestations(await this.#own(process), from)
  }

  /** @throws {Failure} `unknown-process` if this node's word does not count there */
  async finalFrames(
    id: ProcessId,
    slot: Slot,
    waitMs: number,
    options: CallOptions = {},
  ): Promise<readonly FinalFrame[]> {
    const process = await this.#own(id)
    const { computer } = this.#parts
    if ((await computer.evaluated(id)) <= slot)
      await this.#untilFinal(id, slot, Math.min(waitMs, WAIT_MAX_MS), options.signal)
    // Where schedulers signed two feeds, what was evaluated behind their common part is not final.
    const end = Math.min(await computer.evaluated(id), await slotCount(this.#parts.log, messagesFeed(process)))
    const frames: FinalFrame[] = []
    let sizeBytes = 0
    for (let next = slot; next < end && frames.length < FRAMES_MAX && sizeBytes < FRAMES_SIZE_BYTES; ) {
      const { frame, count, firstSlot } = await this.#frameAt(process, next)
      frames.push(frame)
      sizeBytes += frame.resultsBytes.length
      next = firstSlot + count
    }
    return frames
  }

  /** @throws {Failure} as the read; `unknown-process` if this node's word does not count there */
  async read(id: ProcessId, read: UnitRead, options: CallOptions = {}): Promise<Uint8Array> {
    await this.#own(id)
    const { computer } = this.#parts
    switch (read.kind) {
      case 'evaluated':
        return encodeUnitReading('evaluated', { slots: await computer.evaluated(id) })
      case 'query':
        return encodeUnitReading('query', await computer.query(id, read.message, { ...options, at: read.at }))
      case 'state':
        return encodeUnitReading('state', await computer.state(id, read.at, options))
      case 'lifecycle':
        return encodeUnitReading('lifecycle', await computer.lifecycle(id))
      case 'timers':
        return encodeUnitReading('timers', { timers: [...(await computer.timers(id))] })
      case 'cell':
        return encodeUnitReading('cell', { value: await computer.cell(id, read.key) })
      case 'checkUpgrade':
        return encodeUnitReading('checkUpgrade', await computer.checkUpgrade(id, read.wish, options))
    }
  }

  timersChanged(process: ProcessId): void {
    this.#parts.timersChanged(process)
  }

  expectedSeq(to: ProcessId, from: ProcessId): Promise<number> {
    return this.#parts.expectedSeq(to, from)
  }

  async #own(id: ProcessId): Promise<ProcessDescription> {
    const process = await this.#parts.log.directory.process(id)
    if (process === undefined || positionOf(process, this.#parts.key) < 0)
      throw new Failure('unknown-process', { process: id })
    const failure = await this.#parts.agreement.failureOf(process)
    if (failure !== undefined) throw failure
    return process
  }

  /** Waits for a slot that may not be in the feed yet, as long as `waitMs`. */
  async #untilFinal(process: ProcessId, slot: Slot, waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (waitMs <= 0) return
    const { computer, clock } = this.#parts
    const over = new AbortController()
    const end = (): void => over.abort(new Failure('timeout'))
    signal?.addEventListener('abort', end, { once: true })
    clock.sleep(waitMs, { signal: over.signal, for: 'wait' }).then(end, () => undefined)
    try {
      for await (const _ of computer.follow(process, slot, { signal: over.signal })) return
    } finally {
      signal?.removeEventListener('abort', end)
      end()
    }
  }

  async #frameAt(
    process: ProcessDescription,
    slot: Slot,
  ): Promise<{ frame: FinalFrame; firstSlot: Slot; count: number }> {
    const { unit, computer } = this.#parts
    const { index, certificateBytes, results, count } = await unit.frameAt(process, slot)
    const { proof } = await computer.certified(process.id, slot, { timeoutMs: 0 })
    const { signatures } = proof
    return {
      frame: { index, certificateBytes, signatures, resultsBytes: results.bytes },
      firstSlot: results.firstSlot,
      count,
    }
  }
}
