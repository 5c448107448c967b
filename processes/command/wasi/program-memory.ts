import { badAddress } from '../program-stop.ts'

/**
 * Linear memory of a program as host calls read and write it. Every address is checked, and a bad one
 * ends the run as a trap would: the engine's own RangeError must never be taken for one of these.
 */
export class ProgramMemory {
  readonly #memory: WebAssembly.Memory
  #bytes: Uint8Array<ArrayBuffer>
  #view: DataView<ArrayBuffer>

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory
    this.#bytes = new Uint8Array(memory.buffer)
    this.#view = new DataView(memory.buffer)
  }

  /** A part of memory; valid until the program runs again. */
  at(address: number, length: number): Uint8Array<ArrayBuffer> {
    const start = this.#check(address, length)
    return this.#bytes.subarray(start, start + (length >>> 0))
  }

  u32(address: number): number {
    const start = this.#check(address, 4)
    return this.#view.getUint32(start, true)
  }

  u64(address: number): bigint {
    const start = this.#check(address, 8)
    return this.#view.getBigUint64(start, true)
  }

  u8(address: number): number {
    const start = this.#check(address, 1)
    return this.#view.getUint8(start)
  }

  u16(address: number): number {
    const start = this.#check(address, 2)
    return this.#view.getUint16(start, true)
  }

  setU8(address: number, value: number): void {
    const start = this.#check(address, 1)
    this.#view.setUint8(start, value)
  }

  setU16(address: number, value: number): void {
    const start = this.#check(address, 2)
    this.#view.setUint16(start, value, true)
  }

  setU32(address: number, value: number): void {
    const start = this.#check(address, 4)
    this.#view.setUint32(start, value, true)
  }

  setU64(address: number, value: bigint): void {
    const start = this.#check(address, 8)
    this.#view.setBigUint64(start, value, true)
  }

  /** Comes before any use of bytes or view, which it may renew. */
  #check(address: number, length: number): number {
    // A memory that grew has a new buffer; the old one has no bytes left.
    if (this.#bytes.length === 0) {
      this.#bytes = new Uint8Array(this.#memory.buffer)
      this.#view = new DataView(this.#memory.buffer)
    }
    const start = address >>> 0
    if (start + (length >>> 0) <= this.#bytes.length) return start
    throw badAddress()
  }
}
