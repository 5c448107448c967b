import { Failure } from '../protocol/index.ts'

/** Hypercore's list of one signature: signer 0, without a patch. */
const SIZE_BYTES = 68

/** Takes a signature out of Hypercore's list of one: 1, 0, signature, 0, 0. @throws {Failure} `internal` */
export function onlySignature(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== SIZE_BYTES || bytes[0] !== 1 || bytes[1] !== 0)
    throw new Failure(
      'internal',
      { bytes: bytes.length },
      { note: 'not the signature of one signer' },
    )
  return new Uint8Array(bytes.subarray(2, 66))
}

/** Puts the signature of a feed's one signer into Hypercore's list; of another length it holds for nothing. */
export function signatureList(signature: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(SIZE_BYTES)
  bytes[0] = 1
  bytes.set(signature.subarray(0, 64), 2)
  return bytes
}
