import { concatBytes } from '../protocol/index.ts'

/** Cuts a stream of bytes into packets of a 32-bit length, little-endian, and that many bytes. */
export class PacketReader {
  readonly #maxBytes: number
  #parts: Uint8Array[] = []
  #held = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Takes what came and gives the packets that are whole. @throws {RangeError} for a packet above the bound */
  take(chunk: Uint8Array): Uint8Array[] {
    this.#parts.push(chunk)
    this.#held += chunk.length
    const packets: Uint8Array[] = []
    for (;;) {
      const length = this.#nextLength()
      if (length === undefined || this.#held < 4 + length) return packets
      packets.push(this.#cut(4 + length).subarray(4))
    }
  }

  #nextLength(): number | undefined {
    if (this.#held < 4) return undefined
    const head = this.#peek(4)
    const length = new DataView(head.buffer, head.byteOffset, 4).getUint32(0, true)
    if (length > this.#maxBytes) throw new RangeError(`packet of ${length} bytes`)
    return length
  }

  #peek(count: number): Uint8Array {
    const [first] = this.#parts
    if (first !== undefined && first.length >= count) return first
    const joined = concatBytes(...this.#parts)
    this.#parts = [joined]
    return joined
  }

  #cut(count: number): Uint8Array {
    const [first] = this.#parts
    if (first === undefined || first.length < count) {
      if (this.#parts.length > 1) this.#parts = [concatBytes(...this.#parts)]
    }
    const [whole = new Uint8Array(0)] = this.#parts
    this.#held -= count
    const packet = whole.subarray(0, count)
    if (whole.length === count) this.#parts.shift()
    else this.#parts[0] = whole.subarray(count)
    return packet
  }
}

/** A packet with its length before it. */
export function framePacket(packet: Uint8Array): Uint8Array {
  const framed = new Uint8Array(4 + packet.length)
  new DataView(framed.buffer).setUint32(0, packet.length, true)
  framed.set(packet, 4)
  return framed
}

/** Largest packet between the compute unit and a host: a memory of a gibibyte and what surrounds it. */
export const PACKET_MAX_BYTES = 1_200_000_000
