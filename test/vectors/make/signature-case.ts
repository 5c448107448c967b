/** What the makers of signature vectors share. Everything is hex in the file. */
export interface SignatureCase {
  readonly name: string
  readonly key: string
  readonly message: string
  readonly signature: string
  readonly valid: boolean
}

export type AddCase = (
  name: string,
  valid: boolean,
  key: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => void

/** Runs `fill` with a function that adds a case; gives the cases in order. */
export function makeCases(fill: (add: AddCase) => void): SignatureCase[] {
  const cases: SignatureCase[] = []
  fill((name, valid, key, message, signature) => {
    cases.push({ name, key: hex(key), message: hex(message), signature: hex(signature), valid })
  })
  return cases
}

export const message: Uint8Array = new Uint8Array(Buffer.from('one message for all cases, forty-eight bytes.....'))

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
export const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
export const join = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))
export const big = (bytes: Uint8Array): bigint => BigInt(`0x${hex(bytes)}`)
export const little = (bytes: Uint8Array): bigint => big(bytes.slice().reverse())
export const toBig = (value: bigint, size = 32): Uint8Array => bytesOf(value.toString(16).padStart(size * 2, '0'))
export const toLittle = (value: bigint): Uint8Array => toBig(value).reverse()

/** A copy with the lowest bit of one byte flipped. */
export function flip(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice()
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}

/** Copies of other lengths: cut from the bytes twice over. */
export function resized(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  return lengths.map(length => join(bytes, bytes).slice(0, length))
}
