import { createPrivateKey, type KeyObject } from 'node:crypto'
import { type ArweaveJwk, arweaveSigner, Failure } from '../../protocol/index.ts'

/** A secret key as identities keep it, in base64url or as a wallet. */
export type SecretKey =
  | { readonly kind: 'ed25519'; readonly seed: string }
  | { readonly kind: 'secp256k1'; readonly secret: string }
  | { readonly kind: 'arweave'; readonly jwk: ArweaveJwk }

const PEM = /^\s*-----BEGIN /

/** A key from a file of the user's: an Arweave wallet, or what `icp`, `dfx` and `openssl` write. @throws {Failure} `unsupported-key` */
export async function readKey(text: string): Promise<SecretKey> {
  try {
    return PEM.test(text) ? pemKey(createPrivateKey(text)) : { kind: 'arweave', jwk: await walletOf(text) }
  } catch (cause) {
    const note = 'expected an Arweave wallet, or an Ed25519 or secp256k1 key in PEM that no password locks'
    throw new Failure('unsupported-key', {}, { cause, note })
  }
}

function pemKey(key: KeyObject): SecretKey {
  const { crv, d } = key.export({ format: 'jwk' })
  if (d !== undefined && crv === 'Ed25519') return { kind: 'ed25519', seed: d }
  if (d !== undefined && crv === 'secp256k1') return { kind: 'secp256k1', secret: d }
  throw new Error(`${crv ?? key.asymmetricKeyType} cannot sign here`)
}

/** Reads a wallet, and signs with it once: a public key alone is no identity. */
async function walletOf(text: string): Promise<ArweaveJwk> {
  const jwk = JSON.parse(text) as ArweaveJwk
  await arweaveSigner(jwk).sign(new Uint8Array(48))
  return jwk
}
