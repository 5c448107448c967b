/**
 * The same memory as a plain array of bytes. Buffers stay inside this room: their `slice` is a view where
 * that of a Uint8Array is a copy, and they are not equal to one another in tests.
 */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
