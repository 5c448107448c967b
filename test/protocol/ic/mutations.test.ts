import { DelegationChain, DelegationIdentity, ECDSAKeyIdentity, Ed25519KeyIdentity } from '@icp-sdk/core/identity'
import { Secp256k1KeyIdentity } from '@icp-sdk/core/identity/secp256k1'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nativeCrypto } from '../../../node/native-crypto.ts'
import {
  blsKeyToDer,
  blsPublicKey,
  blsSecret,
  blsSign,
  certifiedTree,
  decodeRequestEnvelope,
  encodeIc,
  type HashTree,
  hashTreeRoot,
  icMap,
  type IcValue,
  installCrypto,
  leb128,
  MalformedBytes,
  refuteRequest,
  stateRootMessage,
  toHex,
  toUtf8,
} from '../../../protocol/index.ts'
import { MUTATIONS, MUTATIONS_SEED, mutated, seededRandom } from '../../fakes/mutations.ts'
import { asIc, callContent, envelopeOf, NOW_MS, signedBy } from '../../fakes/signed-requests.ts'

const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)

beforeAll(() => installCrypto(nativeCrypto))
afterAll(() => installCrypto({}))

/** What `read` made of the bytes; nothing, if it refused them as it should. */
function taken<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}

describe('mutated bytes', () => {
  it('of requests are refused, or are the same request', { timeout: 3_600_000 }, async () => {
    const session = Ed25519KeyIdentity.generate(seed(4))
    const root = Ed25519KeyIdentity.generate(seed(1))
    const chain = await DelegationChain.create(root, session.getPublicKey(), new Date(NOW_MS + 60_000))
    const originals = await Promise.all([
      signedBy(root, callContent()),
      signedBy(root, callContent({ nonce: seed(5), method_name: 'other' })),
      signedBy(Secp256k1KeyIdentity.generate(seed(2)), callContent()),
      signedBy(await ECDSAKeyIdentity.generate(), callContent()),
      signedBy(DelegationIdentity.fromDelegation(session, chain), callContent()),
      envelopeOf({ content: asIc(callContent({ request_type: 'read_state', paths: [[toUtf8('time')]] })) }),
    ])
    const ids = new Set(originals.map(bytes => toHex(taken(() => decodeRequestEnvelope(bytes).id) ?? seed(0))))
    const random = seededRandom(MUTATIONS_SEED + 1)
    let [read, accepted] = [0, 0]
    for (let i = 0; i < MUTATIONS; i++) {
      const bytes = mutated(originals, random)
      const envelope = taken(() => decodeRequestEnvelope(bytes))
      if (envelope === undefined) continue
      read += 1
      // Anybody may say anything without a name.
      if (toHex(envelope.request.sender) === '04') continue
      if (refuteRequest(envelope, { nowMs: NOW_MS, rootKeys: [] }) !== undefined) continue
      accepted += 1
      expect(ids.has(toHex(envelope.id)), `mutation ${i}: ${toHex(bytes)}`).toBe(true)
    }
    // Many must come so far as to be judged by their signature, or the test would show little.
    expect(read).toBeGreaterThan(MUTATIONS / 50)
    expect(accepted).toBeGreaterThan(0)
  })

  it('of certificates prove nothing else', { timeout: 3_600_000 }, () => {
    const secret = blsSecret(seed(1), 'test')
    const key = blsKeyToDer(blsPublicKey(secret))
    const tree: HashTree = [
      1,
      [2, toUtf8('canister'), [2, seed(3), [3, seed(4)]]],
      [2, toUtf8('time'), [3, leb128(99)]],
    ]
    const signature = blsSign(secret, stateRootMessage(hashTreeRoot(tree)))
    const certificate = encodeIc(icMap({ tree: tree as unknown as IcValue, signature }))
    const genuine = toHex(hashTreeRoot(tree))
    const random = seededRandom(MUTATIONS_SEED + 2)
    // A signature takes milliseconds to check: fewer of these.
    let read = 0
    for (let i = 0; i < MUTATIONS / 40; i++) {
      const bytes = mutated([certificate], random)
      const proven = taken(() => {
        const found = certifiedTree(bytes, key, seed(3))
        read += 1
        return found
      })
      if (proven !== undefined) expect(toHex(hashTreeRoot(proven)), `mutation ${i}`).toBe(genuine)
    }
    expect(read).toBeGreaterThan(MUTATIONS / 2000)
  })
})
