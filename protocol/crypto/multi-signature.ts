import { concatBytes, MalformedBytes } from '../codec/bytes.ts'

/** The signature of one signer of a feed; `signer` is its place among them. */
export interface SignerProof {
  readonly signer: number
  /** Ed25519, 64 bytes. */
  readonly signature: Uint8Array
}

const SIGNATURE_SIZE_BYTES = 64
const PROOF_SIZE_BYTES = 1 + SIGNATURE_SIZE_BYTES + 1
/** Counts and places are one byte each below this, as Hypercore writes numbers. */
const ONE_BYTE_MAX = 0xfc

/**
 * Signatures of several signers over one head, in Hypercore's own form: count, then place, signature and a zero for each
 * (its patch, of which we make no use), then a zero. In order of places, each once. @throws {RangeError} beyond 252 signers
 */
export function encodeMultiSignature(proofs: readonly SignerProof[]): Uint8Array {
  const sorted = [...proofs].sort((a, b) => a.signer - b.signer)
  const parts: Uint8Array[] = [new Uint8Array([sorted.length])]
  for (const [at, { signer, signature }] of sorted.entries()) {
    const isInRange =
      signer <= ONE_BYTE_MAX && sorted.length <= ONE_BYTE_MAX && signature.length === SIGNATURE_SIZE_BYTES
    if (!isInRange || sorted[at + 1]?.signer === signer) throw new RangeError(`signer ${signer} cannot stand here`)
    parts.push(new Uint8Array([signer]), signature, new Uint8Array([0]))
  }
  return concatBytes(...parts, new Uint8Array([0]))
}

/** The same read again; nothing else is taken, so that one set of signatures has one form. @throws {MalformedBytes} */
export function decodeMultiSignature(bytes: Uint8Array): SignerProof[] {
  const count = bytes[0] ?? 0
  const isWhole = count <= ONE_BYTE_MAX && bytes.length === 2 + count * PROOF_SIZE_BYTES && bytes.at(-1) === 0
  if (!isWhole) throw new MalformedBytes('signatures of a feed: bad length', 0)
  const proofs: SignerProof[] = []
  let last = -1
  for (let at = 1; at < bytes.length - 1; at += PROOF_SIZE_BYTES) {
    const signer = bytes[at] ?? 0
    if (signer <= last || bytes[at + PROOF_SIZE_BYTES - 1] !== 0)
      throw new MalformedBytes('signatures of a feed: out of order, or with a patch', at)
    proofs.push({ signer, signature: bytes.slice(at + 1, at + 1 + SIGNATURE_SIZE_BYTES) })
    last = signer
  }
  return proofs
}
