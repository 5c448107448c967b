import { CANDID_PRIMITIVES, type CandidPrimitive } from './candid-value.ts'

/** How Candid names a type that needs no table. */
export function primitiveCode(type: CandidPrimitive): Uint8Array {
  if (type === 'principal') return signedLeb(-24n)
  return signedLeb(BigInt(-1 - CANDID_PRIMITIVES.indexOf(type)))
}

/** Unsigned LEB128. */
export function leb(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = value
  do {
    const low = Number(rest & 0x7fn)
    rest >>= 7n
    bytes.push(rest === 0n ? low : low | 0x80)
  } while (rest !== 0n)
  return Uint8Array.from(bytes)
}

/** Signed LEB128. */
export function signedLeb(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (;;) {
    const low = Number(rest & 0x7fn)
    rest >>= 7n
    const isLast = (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0)
    bytes.push(isLast ? low : low | 0x80)
    if (isLast) return Uint8Array.from(bytes)
  }
}
