import { CHUNK_SIZE_BYTES } from '../../protocol/index.ts'
import { GuestFault } from './faults.ts'

const CHUNK_SHIFT = Math.log2(CHUNK_SIZE_BYTES)

const encoder = new TextEncoder()
const lossyDecoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * Linear memory as the host reads and writes it. Every write marks its chunks in the dirty map, as
 * the guest's own stores do; every address is checked, and a bad one ends the run as a trap would.
 */
export class GuestMemory {
  readonly addressBits: 32 | 64
  readonly #memory: WebAssembly.Memory
  /** A byte for each chunk; the map never grows. */
  readonly dirtyMap: Uint8Array<ArrayBuffer>
  #bytes: Uint8Array<ArrayBuffer>
  #view: DataView<ArrayBuffer>

  constructor(parts: {
    memory: WebAssembly.Memory
    dirty: WebAssembly.Memory
    addressBits: 32 | 64
  }) {
    this.#memory = parts.memory
    this.dirtyMap = new Uint8Array(parts.dirty.buffer)
    this.addressBits = parts.addressBits
    this.#bytes = new Uint8Array(parts.memory.buffer)
    this.#view = new DataView(parts.memory.buffer)
  }

  /** All of memory, valid until it grows. Whoever writes through it marks what it wrote. */
  get bytes(): Uint8Array<ArrayBuffer> {
    // Growth detaches the old buffer, which then has no bytes.
    if (this.#bytes.length === 0) this.#refresh()
    return this.#bytes
  }

  get pages(): number {
    return this.bytes.length >>> 16
  }

  /** A chunk; valid until memory grows. */
  chunk(index: number): Uint8Array<ArrayBuffer> {
    const start = index * CHUNK_SIZE_BYTES
    return this.bytes.subarray(start, start + CHUNK_SIZE_BYTES)
  }

  /** Brings in a chunk of a kept state: not a change, so it is not marked. */
  setChunk(index: number, chunk: Uint8Array): void {
    this.bytes.set(chunk, index * CHUNK_SIZE_BYTES)
  }

  mark(address: number, length: number): void {
    if (length === 0) return
    const map = this.dirtyMap
    const last = (address + length - 1) >>> CHUNK_SHIFT
    for (let chunk = address >>> CHUNK_SHIFT; chunk <= last; chunk++) map[chunk] = 1
  }

  /** A part of memory, to read. */
  read(address: number, length: number): Uint8Array<ArrayBuffer> {
    this.#check(address, length)
    return this.bytes.subarray(address, address + length)
  }

  /** A part of memory, to write: it is marked. */
  write(address: number, length: number): Uint8Array<ArrayBuffer> {
    this.#check(address, length)
    this.mark(address, length)
    return this.bytes.subarray(address, address + length)
  }

  readI32(address: number): number {
    return this.#at(address, 4).getInt32(address, true)
  }

  /** A size or an address. */
  readWord(address: number): number {
    if (this.addressBits === 32) return this.#at(address, 4).getUint32(address, true)
    return Number(this.#at(address, 8).getBigUint64(address, true))
  }

  writeU8(address: number, value: number): void {
    this.write(address, 1)
    this.#view.setUint8(address, value)
  }

  writeU16(address: number, value: number): void {
    this.write(address, 2)
    this.#view.setUint16(address, value, true)
  }

  writeI32(address: number, value: number): void {
    this.write(address, 4)
    this.#view.setInt32(address, value, true)
  }

  /** An integer between -2^53 and 2^53. */
  writeI64(address: number, value: number): void {
    this.write(address, 8)
    this.#view.setBigInt64(address, BigInt(value), true)
  }

  writeU64(address: number, value: bigint): void {
    this.write(address, 8)
    this.#view.setBigUint64(address, value, true)
  }

  writeWord(address: number, value: number): void {
    if (this.addressBits === 32) this.writeI32(address, value)
    else this.writeI64(address, value)
  }

  /** Bytes up to the closing zero, not more than `maxBytes`. */
  readString(address: number, maxBytes: number): Uint8Array<ArrayBuffer> {
    this.#check(address, 1)
    const bytes = this.bytes
    const end = bytes.indexOf(0, address)
    if (end < 0) throw new GuestFault('trap', 'a string has no end')
    if (end - address > maxBytes) throw new GuestFault('trap', `a string is longer than ${maxBytes} bytes`)
    return bytes.subarray(address, end)
  }

  /** Text up to the closing zero; what is not UTF-8 becomes U+FFFD. */
  readText(address: number, maxBytes: number): string {
    return lossyDecoder.decode(this.readString(address, maxBytes))
  }

  /** Writes text and a closing zero; gives the bytes written. */
  writeText(address: number, text: string): number {
    const bytes = encoder.encode(text)
    const place = this.write(address, bytes.length + 1)
    place.set(bytes)
    place[bytes.length] = 0
    return bytes.length + 1
  }

  #at(address: number, length: number): DataView<ArrayBuffer> {
    this.#check(address, length)
    return this.#view
  }

  #check(address: number, length: number): void {
    if (address >= 0 && length >= 0 && address + length <= this.bytes.length) return
    throw new GuestFault('trap', 'memory access out of bounds in a host call')
  }

  #refresh(): void {
    this.#bytes = new Uint8Array(this.#memory.buffer)
    this.#view = new DataView(this.#memory.buffer)
  }
}
