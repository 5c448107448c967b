import { Buffer } from 'node:buffer'

/** Bytes as base64 of RFC 4648 §4, with padding. */
export const toBase64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')

/** Bytes of base64 text; nothing if it is none, or not in the one canonical form. */
export function fromBase64(text: string): Uint8Array | undefined {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'))
  return toBase64(bytes) === text ? bytes : undefined
}
