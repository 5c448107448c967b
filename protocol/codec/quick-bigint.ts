/**
 * Between numbers and bigints of 64 bits without a call out of compiled code, which `BigInt(number)` and `Number(bigint)` are:
 * through the same eight bytes, read one way and the other.
 */
const big = new BigUint64Array([1n])
const words = new Uint32Array(big.buffer)
const LOW = words[0] === 1 ? 0 : 1
const HIGH = 1 - LOW
const TWO_32 = 2 ** 32

/** Of a safe integer that is not negative. */
export function toBigInt(value: number): bigint {
  words[LOW] = value
  words[HIGH] = value / TWO_32
  return big[0] ?? 0n
}

/** Of an integer from 0 to 2^64 - 1: exact if it is safe, else about as large. */
export function toNumber(value: bigint): number {
  big[0] = value
  return (words[HIGH] ?? 0) * TWO_32 + (words[LOW] ?? 0)
}
