import { concatBytes, fromHex, secp256k1PublicKey, secp256k1Sign, sha256, type Signer } from '../../protocol/index.ts'

/** Who signs requests to canisters. Keys are written and sign there as the IC has it, which for secp256k1 is not as in items. */
export interface IcSigner {
  /** In DER. */
  readonly publicKey: Uint8Array
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

const ED25519_DER = fromHex('302a300506032b6570032100')
const SECP256K1_DER = fromHex('3056301006072a8648ce3d020106052b8104000a034200')
/** r and s; what follows tells the key, which is known. */
const SIGNATURE_BYTES = 64

export const ed25519IcSigner = (signer: Signer): IcSigner => ({
  publicKey: concatBytes(ED25519_DER, signer.publicKey),
  sign: bytes => signer.sign(bytes),
})

export const secp256k1IcSigner = (secret: Uint8Array): IcSigner => ({
  publicKey: concatBytes(SECP256K1_DER, secp256k1PublicKey(secret)),
  sign: bytes => Promise.resolve(secp256k1Sign(secret, sha256(bytes)).subarray(0, SIGNATURE_BYTES)),
})
