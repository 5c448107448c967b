import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { afterEach, expect, it, vi } from 'vitest'
import { privateKeyOf } from '../../network/peers/peer-name.ts'
import { ed25519Verify, installCrypto, toUtf8 } from '../../protocol/index.ts'

afterEach(() => installCrypto({}))

it("makes of a node's seed the key that libp2p would make, by the node's own arithmetic", async () => {
  const seed = new Uint8Array(32).fill(3)
  const expected = await generateKeyPairFromSeed('Ed25519', seed)
  const key = privateKeyOf(seed)
  expect(key.equals(expected)).toBe(true)
  expect(key.publicKey.equals(expected.publicKey)).toBe(true)
  const message = toUtf8('hello')
  expect(ed25519Verify(expected.publicKey.raw, message, await key.sign(message))).toBe(true)

  const ed25519PublicKey = vi.fn(() => expected.publicKey.raw)
  installCrypto({ ed25519PublicKey })
  privateKeyOf(seed)
  expect(ed25519PublicKey).toHaveBeenCalledTimes(1)
})
