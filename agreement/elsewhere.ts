import {
  type Attested,
  type CallOptions,
  type CertifiedResult,
  concatBytes,
  decodeResult,
  decodeUnitReading,
  Failure,
  type KeyId,
  leafHash,
  merkleLevels,
  pathIn,
  type ProcessDescription,
  type Result,
  resultHeadOf,
  type Slot,
  unitAt,
  type UnitPeers,
} from '../protocol/index.ts'
import { unitsElsewhere, type Way } from './parts.ts'
import type { CheckedFrame, RemoteFrames } from './remote-frames.ts'

/** A result is waited for as long, unless the caller says otherwise. */
const RESULT_WAIT_MS = 30_000

/** Results of a process that is evaluated elsewhere: final ones, proven by the certificates of its compute units. */
export class Elsewhere implements Way {
  readonly #parts: {
    readonly frames: RemoteFrames
    readonly peers: Pick<UnitPeers, 'read'>
    readonly key: KeyId
  }
  readonly #process: ProcessDescription

  constructor(
    parts: {
      readonly frames: RemoteFrames
      readonly peers: Pick<UnitPeers, 'read'>
      readonly key: KeyId
    },
    process: ProcessDescription,
  ) {
    this.#parts = parts
    this.#process = process
  }

  async result(slot: Slot, options: CallOptions = {}): Promise<Result> {
    const { certificate, results } = await this.#frameAt(slot, options)
    return at(results, slot - certificate.firstSlot)
  }

  async attested(slot: Slot): Promise<Attested> {
    const { frame } = await this.#frameAt(slot, { timeoutMs: 0 })
    const { policy } = this.#process
    const { computeUnits, computeQuorum } = policy
    const by = frame.signatures.map(({ unit }) => unitAt(policy, unit)).filter(key => key !== undefined)
    return { by, needed: computeQuorum, of: computeUnits.length }
  }

  async certified(slot: Slot, options: CallOptions = {}): Promise<CertifiedResult> {
    const { frame, certificate, encoded } = await this.#frameAt(slot, options)
    const position = slot - certificate.firstSlot
    const bytes = at(encoded, position)
    const tree = merkleLevels(concatBytes(...encoded.map(one => leafHash(resultHeadOf(one)))))
    const { certificateBytes, signatures } = frame
    const [resultHead, resultPath] = [resultHeadOf(bytes), pathIn(tree, position)]
    const proof = { resultHead, resultPath, certificate, certificateBytes, signatures }
    return { result: decodeResult(bytes), bytes, proof }
  }

  async *results(from: Slot, to: Slot, options?: CallOptions): AsyncIterable<Result> {
    for (let slot = from; slot < to; ) {
      const found = await this.#parts.frames.at(this.#process, slot, { ...options, timeoutMs: 0 })
      if (found === undefined) return
      const { firstSlot } = found.certificate
      for (const result of found.results.slice(slot - firstSlot, to - firstSlot)) yield result
      slot = firstSlot + found.results.length
    }
  }

  /** As the first unit says that answers: only how far one reads depends on it. */
  async evaluated(): Promise<Slot> {
    const { frames, peers, key } = this.#parts
    const { id } = this.#process
    const known = frames.end(id)
    for (const unit of unitsElsewhere(this.#process, key)) {
      const answer = await peers.read(unit, id, { kind: 'evaluated' }).catch(() => undefined)
      if (answer !== undefined) return Math.max(known, decodeUnitReading('evaluated', answer).slots)
    }
    return known
  }

  async #frameAt(slot: Slot, options: CallOptions): Promise<CheckedFrame> {
    const timeoutMs = options.timeoutMs ?? RESULT_WAIT_MS
    const found = await this.#parts.frames.at(this.#process, slot, { ...options, timeoutMs })
    if (found !== undefined) return found
    const details = { process: this.#process.id, slot, timeoutMs }
    throw new Failure('timeout', details, { note: 'it is not final yet' })
  }
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index]
  if (found === undefined) throw new Failure('internal', { index })
  return found
}
