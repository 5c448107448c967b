import type { HypercoreKeyPair } from 'hypercore'
import { ed25519PublicKey } from '../protocol/index.ts'

/** The key pair of an Ed25519 seed of 32 bytes in libsodium's shape: the secret key is seed, then public key. */
export function keyPairOf(seed: Uint8Array): HypercoreKeyPair {
  if (seed.length !== 32) throw new RangeError(`expected a seed of 32 bytes, got ${seed.length}`)
  const publicKey = Buffer.from(ed25519PublicKey(seed))
  return { publicKey, secretKey: Buffer.concat([seed, publicKey]) }
}
