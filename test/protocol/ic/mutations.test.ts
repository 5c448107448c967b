import { DelegationChain, DelegationIdentity, ECDSAKeyIdentity, Ed25519KeyIdentity } from '@icp-sdk/core/identity'
import { Secp256k1KeyIdentity } from '@icp-sdk/core/identity/secp256k1'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nativeCrypto } from '../../../node/crypto/native-crypto.ts'
import {
  blsKeyToDer,
  blsPublicKey,
  blsSecret,
  certifiedTree,
  concatBytes,
  decodeRequestEnvelope,
  ed25519PublicKey,
  ed25519Sign,
  encodeIc,
  fromHex,
  type HashTree,
  hashOfMap,
  hashTreeRoot,
  icMap,
  installCrypto,
  MalformedBytes,
  refuteRequest,
  selfAuthenticating,
  separator,
  sha256,
  toBase64Url,
  toHex,
  toUtf8,
} from '../../../protocol/index.ts'
import { certificateOf, signedByCanister, stateWith } from '../../fakes/canister-signed.ts'
import { MUTATIONS_SEED, mutated, mutationsOr } from '../../fakes/mutations.ts'
import { seededRandom } from '../../fakes/seeded-random.ts'
import { asIc, callContent, coseDer, envelopeOf, NOW_MS, signedBy } from '../../fakes/signed-requests.ts'

const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const ROOT = blsSecret(seed(1), 'test')
const ROOT_KEY = blsKeyToDer(blsPublicKey(ROOT))
const SUBNET = blsSecret(seed(2), 'test')
const SUBNET_ID = seed(6)
const CANISTER = seed(3).subarray(0, 10)

/** A request in the name of somebody whom `der` is the key of; `sign` signs it. */
function requestAs(der: Uint8Array, sign: (message: Uint8Array) => Uint8Array): Uint8Array {
  const content = asIc(callContent({ sender: selfAuthenticating(der) }))
  const message = concatBytes(separator('ic-request'), hashOfMap(content))
  return envelopeOf({ content, sender_pubkey: der, sender_sig: sign(message) })
}

/** By an assertion of WebAuthn, with an Ed25519 key. */
function asserted(): Uint8Array {
  const cose = concatBytes(fromHex('a4010103272006215820'), ed25519PublicKey(seed(8)))
  return requestAs(coseDer(cose), message => {
    const clientData = toUtf8(JSON.stringify({ type: 'webauthn.get', challenge: toBase64Url(message) }))
    const signature = ed25519Sign(seed(8), concatBytes(seed(9), sha256(clientData)))
    return encodeIc(icMap({ authenticator_data: seed(9), client_data_json: clientData, signature }))
  })
}

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
    originals.push(asserted(), signedByCanister(callContent(), { canister: CANISTER, seed: seed(7), root: ROOT }))
    const context = { nowMs: NOW_MS, rootKeys: [ROOT_KEY] }
    const mutations = mutationsOr(20_000)
    const ids = new Set(originals.map(bytes => toHex(taken(() => decodeRequestEnvelope(bytes).id) ?? seed(0))))
    const random = seededRandom(MUTATIONS_SEED + 1)
    let [read, accepted] = [0, 0]
    for (let i = 0; i < mutations; i++) {
      const bytes = mutated(originals, random)
      const envelope = taken(() => decodeRequestEnvelope(bytes))
      if (envelope === undefined) continue
      read += 1
      // Anybody may say anything without a name.
      if (toHex(envelope.request.sender) === '04') continue
      if (refuteRequest(envelope, context) !== undefined) continue
      accepted += 1
      expect(ids.has(toHex(envelope.id)), `mutation ${i}: ${toHex(bytes)}`).toBe(true)
    }
    // Many must come so far as to be judged by their signature, or the test would show little.
    expect(read).toBeGreaterThan(mutations / 50)
    expect(accepted).toBeGreaterThan(0)
  })

  it('of certificates prove nothing else', { timeout: 3_600_000 }, () => {
    const genuine = [stateWith(CANISTER, seed(4)), stateWith(CANISTER, seed(5))] as const
    const subnet: HashTree = [
      2,
      toUtf8('subnet'),
      [
        2,
        SUBNET_ID,
        [
          1,
          [2, toUtf8('canister_ranges'), [3, encodeIc([[CANISTER, CANISTER]])]],
          [2, toUtf8('public_key'), [3, blsKeyToDer(blsPublicKey(SUBNET))]],
        ],
      ],
    ]
    const originals = [
      certificateOf(genuine[0], ROOT),
      certificateOf(genuine[1], SUBNET, { subnet_id: SUBNET_ID, certificate: certificateOf(subnet, ROOT) }),
    ]
    // What is cut may leave the delegation's own certificate, which is as genuine.
    const roots = new Set([...genuine, subnet].map(tree => toHex(hashTreeRoot(tree))))
    const random = seededRandom(MUTATIONS_SEED + 2)
    // A signature takes tens of milliseconds to check: a short run has fewer of these.
    const mutations = mutationsOr(500)
    const shown = new Set<string>()
    let read = 0
    for (let i = 0; i < mutations; i++) {
      const bytes = i < originals.length ? (originals[i] ?? seed(0)) : mutated(originals, random)
      const tree = taken(() => {
        const found = certifiedTree(bytes, ROOT_KEY, CANISTER)
        read += 1
        return found
      })
      if (tree === undefined) continue
      const root = toHex(hashTreeRoot(tree))
      expect(roots.has(root), `mutation ${i}: ${toHex(bytes)}`).toBe(true)
      shown.add(root)
    }
    for (const tree of genuine) expect(shown).toContain(toHex(hashTreeRoot(tree)))
    expect(read).toBeGreaterThan(mutations / 50)
  })
})
