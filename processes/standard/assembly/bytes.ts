// Bytes that grow at their end.

export class Bytes {
  pointer: usize
  length: i32 = 0
  private capacity: i32

  constructor(capacity: i32) {
    this.pointer = heap.alloc(capacity)
    this.capacity = capacity
  }

  /** Makes room for `count` bytes behind the end and gives where they begin. */
  private extend(count: i32): usize {
    const length = this.length + count
    if (length > this.capacity) {
      this.capacity = length * 2
      this.pointer = heap.realloc(this.pointer, this.capacity)
    }
    const at = this.pointer + this.length
    this.length = length
    return at
  }

  uint32(value: u32): void {
    store<u32>(this.extend(4), value)
  }

  setUint32(at: i32, value: u32): void {
    store<u32>(this.pointer + at, value)
  }

  /** Adds text as UTF-8 and gives its length in bytes. */
  text(value: string): i32 {
    const length = String.UTF8.byteLength(value)
    String.UTF8.encodeUnsafe(changetype<usize>(value), value.length, this.extend(length))
    return length
  }

  raw(pointer: usize, count: i32): void {
    memory.copy(this.extend(count), pointer, count)
  }
}
