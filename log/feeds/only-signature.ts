import { encodeMultiSignature, Failure, type FeedSpec } from '../../protocol/index.ts'

/** Takes a signature out of Hypercore's list of one, by signer 0 without a patch: 1, 0, signature, 0, 0. @throws {Failure} `internal` */
export function onlySignature(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== 68 || bytes[0] !== 1 || bytes[1] !== 0)
    throw new Failure('internal', { bytes: bytes.length }, { note: 'not the signature of one signer' })
  return new Uint8Array(bytes.subarray(2, 66))
}

/** The signature in a head of a feed as Hypercore keeps it: a list, also of one. @throws {RangeError} if it has another length */
export function signatureList({ signers }: FeedSpec, signature: Uint8Array): Uint8Array {
  // Nobody signs the end of a prologue.
  if (signature.length === 0) return signature
  return signers.length > 1 ? signature : encodeMultiSignature([{ signer: 0, signature }])
}
