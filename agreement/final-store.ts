import {
  type Attestation,
  CborReader,
  CborWriter,
  concatBytes,
  decodeAttestations,
  encodeAttestations,
  fromBase64Url,
  type ProcessId,
  readSmall,
  type Slot,
  type Store,
  toUtf8,
} from '../protocol/index.ts'

/** How far a process is final. */
export interface FinalEnd {
  readonly blocks: number
  readonly slots: Slot
}

/** Who attested what is final, and how far that goes. A cache: all of it can be asked for again. */
export class FinalStore {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  async end(process: ProcessId): Promise<FinalEnd> {
    const kept = await this.#store.get(endKey(process))
    if (kept === undefined) return { blocks: 0, slots: 0 }
    const reader = new CborReader(kept)
    reader.array()
    return { blocks: readSmall(reader), slots: readSmall(reader) }
  }

  /** Nothing is final behind that end any more. */
  async cut(process: ProcessId, end: FinalEnd): Promise<void> {
    const { blocks } = await this.end(process)
    if (blocks > end.blocks)
      this.#store.write([{ key: endKey(process), value: end.blocks === 0 ? undefined : encodeEnd(end) }])
  }

  /** What the agreeing units signed for a final frame. */
  async attestations(process: ProcessId, index: number): Promise<Attestation[]> {
    const kept = await this.#store.get(frameKey(process, index))
    return kept === undefined ? [] : decodeAttestations(kept)
  }

  write(process: ProcessId, index: number, attestations: readonly Attestation[], end?: FinalEnd): void {
    const changes = [{ key: frameKey(process, index), value: encodeAttestations(attestations) }]
    if (end !== undefined) changes.push({ key: endKey(process), value: encodeEnd(end) })
    this.#store.write(changes)
  }

  /** Keeps two certificates that contradict each other: the first of a process for each unit. */
  keepEvidence(process: ProcessId, unit: number, attestations: readonly [Attestation, Attestation]): void {
    const key = concatBytes(EVIDENCE, fromBase64Url(process), bigEndian(unit))
    this.#store.write([{ key, value: encodeAttestations(attestations) }])
  }
}

const END = toUtf8('agreement/end/')
const FRAME = toUtf8('agreement/frame/')
const EVIDENCE = toUtf8('agreement/evidence/')

const endKey = (process: ProcessId): Uint8Array => concatBytes(END, fromBase64Url(process))
const frameKey = (process: ProcessId, index: number): Uint8Array =>
  concatBytes(FRAME, fromBase64Url(process), bigEndian(index))

function encodeEnd({ blocks, slots }: FinalEnd): Uint8Array {
  const writer = new CborWriter()
  writer.array(2)
  writer.uint(blocks)
  writer.uint(slots)
  return writer.finish()
}

function bigEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value))
  return bytes
}
