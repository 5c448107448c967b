/** Containers may be nested this deep, so that no reader can exhaust its stack. */
export const CBOR_DEPTH_MAX = 64

/** Major types of CBOR (RFC 8949 §3.1) that we use. */
export const CborMajor = {
  uint: 0,
  negative: 1,
  bytes: 2,
  text: 3,
  array: 4,
  map: 5,
  simple: 7,
} as const

/** The least number that may be spelled in so many bytes behind its first. */
export function shortestOf(size: number): number {
  if (size === 2) return 0x100
  return size === 4 ? 0x10000 : 0x100000000
}
