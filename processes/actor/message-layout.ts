import type { GuestMessage } from '../../protocol/index.ts'

/**
 * The message as it stands in a guest's memory, version 1; docs/protocol/actor-abi.md has the table.
 *
 * 1. All integers are little-endian and unsigned; the header has a fixed size.
 * 2. Field k lies between end[k-1] and end[k], counted from the start of the message; the first
 *    field begins at the header's end, the last end is the message's length.
 * 3. Ids and addresses are text, because tags name them as text.
 */
const VERSION = 1
const HEADER_BYTES = 72
const KINDS = { spawn: 0, message: 1, tick: 2, assigned: 3, query: 4, restore: 5 } as const
const FLAG_FROM_PROCESS = 1
const FLAG_ANCHOR = 2
const FLAG_TIMER = 4
const TWO_32 = 2 ** 32

const INITIAL_BYTES = 16 * 1024
const utf8 = new TextEncoder()

/** Writes messages one after the other into one kept buffer. */
export class MessageEncoder {
  #bytes = new Uint8Array(INITIAL_BYTES)
  #view = new DataView(this.#bytes.buffer)
  #at = 0

  /** The encoding of `message`: a view that is valid until the next call. */
  encode(message: GuestMessage): Uint8Array {
    this.#reserve(message)
    this.#at = HEADER_BYTES
    const view = this.#view
    this.#text(message.id, 32)
    this.#text(message.target, 36)
    this.#text(message.from, 40)
    this.#text(message.owner, 44)
    this.#text(message.origin, 48)
    this.#text(message.fromModule ?? '', 52)
    this.#raw(message.anchor, 56)
    this.#key(message.timer ?? '', 60)
    this.#tags(message)
    this.#raw(message.data, 68)
    view.setUint8(0, VERSION)
    view.setUint8(1, KINDS[message.kind])
    view.setUint16(2, flagsOf(message), true)
    view.setUint32(4, message.depth, true)
    setUint53(view, 8, message.slot)
    setUint53(view, 16, message.timestampMs)
    view.setUint32(24, message.tags.length, true)
    view.setUint32(28, HEADER_BYTES, true)
    return this.#bytes.subarray(0, this.#at)
  }

  #text(text: string, endAt: number): void {
    this.#at = this.#put(text, this.#at)
    this.#view.setUint32(endAt, this.#at, true)
  }

  #raw(bytes: Uint8Array | undefined, endAt: number): void {
    if (bytes !== undefined) {
      this.#bytes.set(bytes, this.#at)
      this.#at += bytes.length
    }
    this.#view.setUint32(endAt, this.#at, true)
  }

  /** A key of a cell or timer: one byte for each character. */
  #key(key: string, endAt: number): void {
    for (let index = 0; index < key.length; index++) {
      this.#bytes[this.#at++] = key.charCodeAt(index)
    }
    this.#view.setUint32(endAt, this.#at, true)
  }

  #tags(message: GuestMessage): void {
    for (const tag of message.tags) {
      const start = this.#at
      const middle = this.#put(tag.name, start + 8)
      this.#at = this.#put(tag.value, middle)
      this.#view.setUint32(start, middle - start - 8, true)
      this.#view.setUint32(start + 4, this.#at - middle, true)
    }
    this.#view.setUint32(64, this.#at, true)
  }

  /** Ids and most tags are short ASCII: by hand that is several times faster than the platform. */
  #put(text: string, start: number): number {
    const bytes = this.#bytes
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index)
      if (code > 127) return start + utf8.encodeInto(text, bytes.subarray(start)).written
      bytes[start + index] = code
    }
    return start + text.length
  }

  #reserve(message: GuestMessage): void {
    let bytes = HEADER_BYTES + message.data.length + (message.anchor?.length ?? 0)
    let characters = message.id.length + message.target.length + message.from.length
    characters += message.owner.length + message.origin.length
    characters += (message.fromModule?.length ?? 0) + (message.timer?.length ?? 0)
    for (const { name, value } of message.tags) {
      characters += name.length + value.length
      bytes += 8
    }
    bytes += 3 * characters
    if (bytes <= this.#bytes.length) return
    this.#bytes = new Uint8Array(bytes * 2)
    this.#view = new DataView(this.#bytes.buffer)
  }
}

function flagsOf(message: GuestMessage): number {
  let flags = message.fromProcess === undefined ? 0 : FLAG_FROM_PROCESS
  if (message.anchor !== undefined) flags |= FLAG_ANCHOR
  if (message.timer !== undefined) flags |= FLAG_TIMER
  return flags
}

/** Writes an integer below 2^53 as 64 bits without a BigInt. */
function setUint53(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % TWO_32, true)
  view.setUint32(at + 4, Math.floor(value / TWO_32), true)
}
