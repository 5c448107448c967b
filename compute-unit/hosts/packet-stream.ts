import { CborWriter, joinBytes } from '../../protocol/index.ts'

/** A length of 32 bits, little-endian. */
const HEAD_SIZE_BYTES = 4
/** Largest packet between the compute unit and a host: a memory of a gibibyte and what surrounds it. */
export const PACKET_MAX_BYTES = 1_200_000_000

/** Cuts a stream of bytes into packets of a 32-bit length, little-endian, and that many bytes. */
export class PacketReader {
  readonly #maxBytes: number
  /** What came and is not given yet: less than the next packet. */
  #parts: Uint8Array[] = []
  #held = 0
  /** What must be held for a look at it to be worth while. */
  #wanted = HEAD_SIZE_BYTES

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Takes what came and gives the packets that are whole, as views on it. @throws {RangeError} for a packet above the bound */
  take(chunk: Uint8Array): Uint8Array[] {
    this.#parts.push(chunk)
    this.#held += chunk.length
    const packets: Uint8Array[] = []
    if (this.#held < this.#wanted) return packets
    const whole = this.#parts.length === 1 ? chunk : joinBytes(this.#parts)
    let at = 0
    this.#wanted = HEAD_SIZE_BYTES
    while (at + this.#wanted <= whole.length) {
      const length = lengthAt(whole, at)
      if (length > this.#maxBytes) throw new RangeError(`packet of ${length} bytes`)
      this.#wanted = HEAD_SIZE_BYTES + length
      if (at + this.#wanted > whole.length) break
      packets.push(whole.subarray(at + HEAD_SIZE_BYTES, at + this.#wanted))
      at += this.#wanted
      this.#wanted = HEAD_SIZE_BYTES
    }
    this.#held = whole.length - at
    this.#parts = this.#held === 0 ? [] : [whole.subarray(at)]
    return packets
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0
}

/** Packets that go into the stream together, each with its length before it. */
export class PacketWriter {
  #writer: CborWriter | undefined

  /** Bytes that are gathered. */
  get length(): number {
    return this.#writer?.length ?? 0
  }

  /** Adds what `write` writes as one packet; nothing, if that throws. */
  add(write: (writer: CborWriter) => void): void {
    this.#writer ??= new CborWriter()
    const start = this.#writer.hole()
    try {
      write(this.#writer)
    } catch (error) {
      this.#writer.cut(start)
      throw error
    }
    this.#writer.fill(start, this.#writer.length - start - HEAD_SIZE_BYTES)
  }

  /** Takes all that was added. */
  finish(): Uint8Array {
    const bytes = this.#writer?.finish() ?? NOTHING
    this.#writer = undefined
    return bytes
  }
}

const NOTHING = new Uint8Array(0)
