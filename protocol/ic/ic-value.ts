import { fromUtf8, MalformedBytes } from '../codec/bytes.ts'
import { CborWriter } from '../codec/cbor.ts'
import { IC_VALUES_MAX } from '../limits/limits.ts'

/** What the IC's messages are made of; maps have text keys. Integers are numbers when safe, else bigints. */
export type IcValue = number | bigint | string | Uint8Array | readonly IcValue[] | IcMap
export type IcMap = ReadonlyMap<string, IcValue>

/** The tag "what follows is CBOR", with which the IC's messages begin. */
const SELF_DESCRIBED = Uint8Array.of(0xd9, 0xd9, 0xf7)

/**
 * Reads one CBOR value to the last byte, with or without the self-describing tag. Keys of maps may come in any order,
 * but none twice; entries that are null or undefined are as good as absent. Lengths are definite and in their shortest form;
 * there are no other tags, no floats, no negative integers, and no more than `IC_VALUES_MAX` values. Byte strings are views.
 * @throws {MalformedBytes}
 */
export function decodeIc(bytes: Uint8Array, depthMax = 16): IcValue {
  const reader = new IcReader(bytes, depthMax)
  return reader.whole()
}

/** Writes a value behind the self-describing tag, maps in the order given. */
export function encodeIc(value: IcValue): Uint8Array {
  const writer = new CborWriter()
  writer.raw(SELF_DESCRIBED)
  writeIc(writer, value)
  return writer.finish()
}

function writeIc(writer: CborWriter, value: IcValue): void {
  if (typeof value === 'string') writer.text(value)
  else if (typeof value === 'number' || typeof value === 'bigint') writer.uint(value)
  else if (value instanceof Uint8Array) writer.bytes(value)
  else if (value instanceof Map) {
    writer.map(value.size)
    for (const [key, entry] of value) {
      writer.text(key)
      writeIc(writer, entry)
    }
  } else {
    const list = value as readonly IcValue[]
    writer.array(list.length)
    for (const entry of list) writeIc(writer, entry)
  }
}

/** A map as an object would be written; entries that are undefined are left out. */
export function icMap(entries: Readonly<Record<string, IcValue | undefined>>): IcMap {
  const map = new Map<string, IcValue>()
  for (const [key, value] of Object.entries(entries)) if (value !== undefined) map.set(key, value)
  return map
}

export function isIcMap(value: IcValue | undefined): value is IcMap {
  return value instanceof Map
}

class IcReader {
  readonly #bytes: Uint8Array
  readonly #depthMax: number
  #at = 0
  #values = 0

  constructor(bytes: Uint8Array, depthMax: number) {
    this.#bytes = bytes
    this.#depthMax = depthMax
  }

  whole(): IcValue {
    if (SELF_DESCRIBED.every((byte, at) => this.#bytes[at] === byte)) this.#at = SELF_DESCRIBED.length
    const value = this.#value(0)
    if (value === undefined) throw this.#bad('expected a value')
    if (this.#at !== this.#bytes.length) throw this.#bad('trailing bytes')
    return value
  }

  #value(depth: number): IcValue | undefined {
    if (depth > this.#depthMax) throw this.#bad('nested too deep')
    if (++this.#values > IC_VALUES_MAX) throw this.#bad('too many values')
    const first = this.#bytes[this.#at]
    if (first === undefined) throw this.#bad('cut short')
    if (first === 0xf6 || first === 0xf7) {
      this.#at += 1
      return undefined
    }
    const argument = this.#argument(first)
    switch (first >> 5) {
      case 0:
        return argument
      case 2:
        return this.#take(argument)
      case 3:
        return this.#text(argument)
      case 4:
        return this.#list(this.#count(argument, 1), depth + 1)
      case 5:
        return this.#map(this.#count(argument, 2), depth + 1)
      default:
        throw this.#bad('of a kind that is not taken here')
    }
  }

  #list(count: number, depth: number): IcValue[] {
    const list: IcValue[] = []
    for (let i = 0; i < count; i++) {
      const entry = this.#value(depth)
      if (entry === undefined) throw this.#bad('null in a list')
      list.push(entry)
    }
    return list
  }

  #map(count: number, depth: number): IcMap {
    const map = new Map<string, IcValue>()
    let absent: Set<string> | undefined
    for (let i = 0; i < count; i++) {
      const first = this.#bytes[this.#at]
      if (first === undefined || first >> 5 !== 3) throw this.#bad('expected text as key')
      const key = this.#text(this.#argument(first))
      if (map.has(key) || absent?.has(key) === true) throw this.#bad('a key stands twice')
      const entry = this.#value(depth)
      if (entry === undefined) (absent ??= new Set()).add(key)
      else map.set(key, entry)
    }
    return map
  }

  #argument(first: number): number | bigint {
    const short = first & 31
    this.#at += 1
    if (short < 24) return short
    if (short > 27) throw this.#bad('indefinite or reserved length')
    const size = this.#count(1 << (short - 24), 1)
    const end = this.#at + size
    if (size < 8) {
      let small = 0
      while (this.#at < end) small = small * 256 + (this.#bytes[this.#at++] ?? 0)
      if (small < (size === 1 ? 24 : size === 2 ? 0x100 : 0x10000)) throw this.#bad('not the shortest form')
      return small
    }
    let value = 0n
    while (this.#at < end) value = (value << 8n) | BigInt(this.#bytes[this.#at++] ?? 0)
    if (value < 0x100000000n) throw this.#bad('not the shortest form')
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
  }

  #count(argument: number | bigint, width: number): number {
    const left = this.#bytes.length - this.#at
    if (typeof argument === 'bigint' || argument * width > left) throw this.#bad('cut short')
    return argument
  }

  #take(length: number | bigint): Uint8Array {
    const count = this.#count(length, 1)
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }

  #text(length: number | bigint): string {
    return fromUtf8(this.#take(length))
  }

  #bad(what: string): MalformedBytes {
    return new MalformedBytes(`cbor: ${what}`, this.#at)
  }
}
