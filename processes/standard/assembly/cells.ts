// State of the process: cells with text keys, kept by the host.

import { Bytes } from './bytes'
import * as host from './host'

const SMALL_BYTES: i32 = 256
const SCAN_BYTES: i32 = 32768

function bytesOf(text: string): Bytes {
  const bytes = new Bytes(3 * text.length + 1)
  bytes.text(text)
  return bytes
}

/** The text in a cell; null if it is absent. */
export function getText(name: string): string | null {
  const key = bytesOf(name)
  let capacity = SMALL_BYTES
  let value = heap.alloc(capacity)
  let length = host.get(key.pointer, key.length, value, capacity)
  if (length < 0) return null
  if (length > capacity) {
    capacity = length
    value = heap.alloc(capacity)
    length = host.get(key.pointer, key.length, value, capacity)
  }
  return String.UTF8.decodeUnsafe(value, length)
}

export function setText(name: string, text: string): void {
  const key = bytesOf(name)
  const value = bytesOf(text)
  host.set(key.pointer, key.length, value.pointer, value.length)
}

export function remove(name: string): void {
  const key = bytesOf(name)
  host.remove(key.pointer, key.length)
}

/** A 64-bit number in a cell; 0 if it is absent. */
export function getNumber(name: string): i64 {
  const key = bytesOf(name)
  const value = heap.alloc(8)
  return host.get(key.pointer, key.length, value, 8) == 8 ? load<i64>(value) : 0
}

/** Adds to a number, wrapping; cheaper than reading and writing it. */
export function addNumber(name: string, delta: i64): void {
  const key = bytesOf(name)
  host.add(key.pointer, key.length, delta)
}

/** Keys that begin with `prefix` and come after `prefix + after`, in order, without the prefix. */
export function keysAfter(prefix: string, after: string, limit: i32): string[] {
  // The next possible key behind `after` is `after` and a zero byte.
  const from = bytesOf(after.length == 0 ? prefix : prefix + after + '\0')
  const to = bytesOf(prefix)
  const last = to.pointer + to.length - 1
  store<u8>(last, load<u8>(last) + 1)
  const out = heap.alloc(SCAN_BYTES)
  const count = host.scan(
    from.pointer,
    from.length,
    to.pointer,
    to.length,
    limit,
    0,
    out,
    SCAN_BYTES,
  )
  const keys: string[] = []
  let at = out
  const skip = String.UTF8.byteLength(prefix)
  for (let i = 0; i < count; i++) {
    const length = load<u32>(at)
    keys.push(String.UTF8.decodeUnsafe(at + 4 + skip, length - skip))
    at += 4 + length
  }
  return keys
}
