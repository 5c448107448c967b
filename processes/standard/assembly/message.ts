// The message of this run, in the memory that `inbox` gave: docs/protocol/actor-abi.md.

export const KIND_SPAWN: u8 = 0
export const KIND_MESSAGE: u8 = 1
export const KIND_TICK: u8 = 2
export const KIND_QUERY: u8 = 4

const FLAG_FROM_PROCESS: u16 = 1
const FIRST_BOUND: usize = 28

let start: usize = 0

/**
 * Where the host may write the message. What earlier runs allocated is given up: a process keeps
 * its state in cells (or in plain globals), never in objects.
 */
export function inbox(length: i32): usize {
  heap.reset()
  start = heap.alloc(length)
  return start
}

export function kind(): u8 {
  return load<u8>(start + 1)
}

/** Whether another process sent this message: then `from` is its id. */
export function fromProcess(): bool {
  return (load<u16>(start + 2) & FLAG_FROM_PROCESS) != 0
}

export function slot(): u64 {
  return load<u64>(start + 8)
}

/** Milliseconds since 1970. */
export function timestamp(): u64 {
  return load<u64>(start + 16)
}

export function id(): string {
  return field(0)
}

export function from(): string {
  return field(2)
}

export function owner(): string {
  return field(3)
}

/** Key of the timer, of a tick. */
export function timer(): string {
  return field(7)
}

export function data(): string {
  return field(9)
}

export function dataPointer(): usize {
  return bound(9)
}

export function dataLength(): i32 {
  return <i32>(bound(10) - bound(9))
}

function bound(index: usize): usize {
  return start + load<u32>(start + FIRST_BOUND + 4 * index)
}

function field(index: usize): string {
  const begin = bound(index)
  return String.UTF8.decodeUnsafe(begin, bound(index + 1) - begin)
}

export function tagCount(): i32 {
  return load<i32>(start + 24)
}

/** Goes over the tags: `for (let t = firstTag(); t != 0; t = nextTag(t))`. */
export function firstTag(): usize {
  return tagCount() == 0 ? 0 : bound(8)
}

export function nextTag(tag: usize): usize {
  const next = tag + 8 + load<u32>(tag) + load<u32>(tag, 4)
  return next < bound(9) ? next : 0
}

export function tagName(tag: usize): string {
  return String.UTF8.decodeUnsafe(tag + 8, load<u32>(tag))
}

export function tagValue(tag: usize): string {
  return String.UTF8.decodeUnsafe(tag + 8 + load<u32>(tag), load<u32>(tag, 4))
}

/** Value of the first tag with this name, which is ASCII; null if there is none. */
export function tag(name: string): string | null {
  for (let at = firstTag(); at != 0; at = nextTag(at)) {
    if (isNamed(at, name)) return tagValue(at)
  }
  return null
}

function isNamed(at: usize, name: string): bool {
  const length = <i32>load<u32>(at)
  if (length != name.length) return false
  for (let i = 0; i < length; i++) {
    if (<i32>load<u8>(at + 8 + i) != name.charCodeAt(i)) return false
  }
  return true
}
