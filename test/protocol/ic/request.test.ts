import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { Ed25519KeyIdentity, ECDSAKeyIdentity, DelegationChain, DelegationIdentity } from '@icp-sdk/core/identity'
import { Secp256k1KeyIdentity } from '@icp-sdk/core/identity/secp256k1'
import { Principal } from '@icp-sdk/core/principal'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nativeCrypto } from '../../../node/crypto/native-crypto.ts'
import {
  blsKeyToDer,
  blsPublicKey,
  blsSecret,
  blsSign,
  concatBytes,
  decodeIngress,
  decodeRequestEnvelope,
  encodeIc,
  fromHex,
  type HashTree,
  hashOfMap,
  hashTreeRoot,
  icMap,
  type IcValue,
  installCrypto,
  leb128,
  refuteRequest,
  rootKeysOf,
  selfAuthenticating,
  separator,
  sha256,
  stateRootMessage,
  toBase64Url,
  toHex,
  toUtf8,
} from '../../../protocol/index.ts'
import {
  asIc,
  callContent,
  canisterDer,
  clientRequestId,
  coseDer,
  envelopeOf,
  NOW_MS,
  NS,
  signedBy,
} from '../../fakes/signed-requests.ts'

const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const context = { nowMs: NOW_MS, rootKeys: [] as Uint8Array[] }

const refusal = (bytes: Uint8Array, nowMs = NOW_MS, rootKeys = context.rootKeys): string | undefined =>
  refuteRequest(decodeRequestEnvelope(bytes), { nowMs, rootKeys })?.text

/** The same bytes with one bit of the last occurrence of `part` turned. */
function damaged(bytes: Uint8Array, part: Uint8Array): Uint8Array {
  const at = Buffer.from(bytes).lastIndexOf(Buffer.from(part))
  const copy = bytes.slice()
  copy[at + part.length - 1] = (copy[at + part.length - 1] ?? 0) ^ 1
  return copy
}

describe('a request of the IC', () => {
  it('has the id of the specification, whatever the order of its fields', () => {
    const content = callContent({ ingress_expiry: 1_685_570_400_000_000_000n, arg: fromHex('4449444c00fd2a') })
    const expected = '1d1091364d6bb8a6c16b203ee75467d59ead468f523eb058880ae8ec80e2b101'
    expect(toHex(hashOfMap(asIc(content)))).toBe(expected)
    const reversed = new Map([...asIc(content)].reverse())
    expect(toHex(decodeIngress(envelopeOf({ content: reversed })).id)).toBe(expected)
  })

  it('has the id that the client gives it, with nonce and nested values', () => {
    const content = callContent({ nonce: seed(3), arg: new Uint8Array(300) })
    expect(hashOfMap(asIc(content))).toEqual(clientRequestId(content))
  })

  it.each([
    ['an unknown field beside a call', envelopeOf({ content: asIc(callContent()), extra: 1 })],
    ['an unknown field of the content', envelopeOf({ content: asIc(callContent({ extra: 1 })) })],
    ['an unknown type', envelopeOf({ content: asIc(callContent({ request_type: 'caLl' })) })],
    ['a sender of 30 bytes', envelopeOf({ content: asIc(callContent({ sender: new Uint8Array(30) })) })],
    ['a nonce of 33 bytes', envelopeOf({ content: asIc(callContent({ nonce: new Uint8Array(33) })) })],
    ['a missing argument', envelopeOf({ content: new Map([...asIc(callContent())].filter(([key]) => key !== 'arg')) })],
    ['no content', envelopeOf({})],
    ['trailing bytes', concatBytes(envelopeOf({ content: asIc(callContent()) }), Uint8Array.of(0))],
    ['a key twice', fromHex('a2626161016261610 2'.replace(' ', ''))],
    ['a key twice that says nothing', fromHex('a26161f66161f6')],
    ['a key twice that says something once', fromHex('a26161f6616100')],
    ['an indefinite map', fromHex('bfff')],
    ['a float', fromHex('fb3ff0000000000000')],
    ['a length beyond its end', fromHex('5affffffff00')],
    ['a number not in its shortest form', fromHex('1801')],
    ['lists in lists for ever', new Uint8Array(100).fill(0x81)],
    ['more values than any', fromHex(`9a00030d40${'a0'.repeat(200_000)}`)],
    [
      '21 delegations',
      envelopeOf({ content: asIc(callContent()), sender_delegation: Array.from({ length: 21 }, () => new Map()) }),
    ],
  ])('is refused with %s', (what, bytes) => {
    expect(() => decodeRequestEnvelope(bytes)).toThrow(/cbor|envelope|content|sender|nonce|arg/)
    if (what.startsWith('a key twice')) expect(() => decodeRequestEnvelope(bytes)).toThrow(/twice/)
    if (what.startsWith('more values')) expect(() => decodeRequestEnvelope(bytes)).toThrow(/too many values/)
  })

  it('may be a read with more beside its content, as agents 2.1.3 to 2.2.1 write it', () => {
    const { request_type: _, sender, ingress_expiry } = callContent()
    const readState = { request_type: 'read_state', paths: [[toUtf8('time')]], sender, ingress_expiry }
    for (const read of [callContent({ request_type: 'query' }), readState]) {
      const content = asIc(read)
      const { bytes: _, ...plain } = decodeRequestEnvelope(envelopeOf({ content }))
      expect(decodeRequestEnvelope(envelopeOf({ content, ingress_expiry: 1 }))).toMatchObject(plain)
    }
  })

  it('expires, and may not expire too late; queries may be late', () => {
    const at = (ms: number, type = 'call'): Uint8Array =>
      envelopeOf({ content: asIc(callContent({ request_type: type, ingress_expiry: BigInt(ms) * NS })) })
    expect(refusal(at(NOW_MS))).toBeUndefined()
    expect(refusal(at(NOW_MS + 330_000))).toBeUndefined()
    expect(refusal(at(NOW_MS - 1))).toMatch(/^Invalid request expiry: /)
    expect(refusal(at(NOW_MS + 330_001))).toMatch(/^Invalid request expiry: /)
    expect(refusal(at(NOW_MS - 600_000, 'query'))).toBeUndefined()
  })

  it('of the anonymous sender is bare', () => {
    const content = asIc(callContent())
    expect(refusal(envelopeOf({ content }))).toBeUndefined()
    expect(refusal(envelopeOf({ content, sender_sig: seed(1) }))).toMatch(/anonymous/)
    expect(refusal(envelopeOf({ content, sender_pubkey: seed(1) }))).toMatch(/anonymous/)
  })
})

const providers = [
  ['portable', {}],
  ['native', nativeCrypto],
] as const

describe.each(providers)('signatures of users, with the %s crypto provider', (_, provider) => {
  beforeAll(() => installCrypto(provider))
  afterAll(() => installCrypto({}))

  it('holds for every kind of key, and for no other bytes', async () => {
    const identities = [
      Ed25519KeyIdentity.generate(seed(1)),
      Secp256k1KeyIdentity.generate(seed(2)),
      await ECDSAKeyIdentity.generate(),
    ]
    for (const identity of identities) {
      for (let i = 0; i < 4; i++) {
        const bytes = await signedBy(identity, callContent({ nonce: seed(i) }))
        expect(refusal(bytes), identity.constructor.name).toBeUndefined()
        const { signature } = decodeRequestEnvelope(bytes)
        expect(refusal(damaged(bytes, signature ?? new Uint8Array(1)))).toMatch(/signature/)
        expect(refusal(damaged(bytes, seed(i)))).toMatch(/signature/)
      }
    }
  })

  it('holds for secp256k1 with a high s too: clients of other makes do not lower it', async () => {
    const identity = Secp256k1KeyIdentity.generate(seed(2))
    const bytes = await signedBy(identity, callContent())
    const { signature } = decodeRequestEnvelope(bytes)
    const order = BigInt('0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141')
    const s = BigInt(`0x${toHex((signature ?? new Uint8Array()).subarray(32))}`)
    const high = bytes.slice()
    high.set(
      fromHex((order - s).toString(16).padStart(64, '0')),
      Buffer.from(bytes).lastIndexOf(Buffer.from(signature ?? [])) + 32,
    )
    expect(refusal(high)).toBeUndefined()
  })

  it('holds by a chain of delegations, within its targets, time and permissions', async () => {
    const [root, middle, last] = [4, 5, 6].map(byte => Ed25519KeyIdentity.generate(seed(byte)))
    if (root === undefined || middle === undefined || last === undefined) throw new Error('unreachable')
    const until = new Date(NOW_MS + 60_000)
    const canister = Principal.fromUint8Array(fromHex('00000000000004d2'))
    const first = await DelegationChain.create(root, middle.getPublicKey(), until)
    const chain = await DelegationChain.create(middle, last.getPublicKey(), until, {
      previous: first,
      targets: [canister],
    })
    const identity = DelegationIdentity.fromDelegation(last, chain)
    const bytes = await signedBy(identity, callContent())
    expect(refusal(bytes)).toBeUndefined()
    expect(refusal(bytes, NOW_MS + 60_001)).toMatch(/delegation has expired/)
    const other = await signedBy(identity, callContent({ canister_id: fromHex('00000000000004d3') }))
    expect(refusal(other)).toMatch(/targets/)
    const { delegations } = decodeRequestEnvelope(bytes)
    expect(refusal(damaged(bytes, delegations[0]?.signature ?? new Uint8Array(1)))).toMatch(/signature/)
  })

  it('does not hold by a chain with a cycle, or one that permits queries only', async () => {
    const [a, b] = [Ed25519KeyIdentity.generate(seed(7)), Ed25519KeyIdentity.generate(seed(8))]
    const der = (identity: Ed25519KeyIdentity): Uint8Array => new Uint8Array(identity.getPublicKey().toDer())
    const link = async (
      from: Ed25519KeyIdentity,
      to: Ed25519KeyIdentity,
      more: Record<string, IcValue> = {},
    ): Promise<IcValue> => {
      const delegation = icMap({ pubkey: der(to), expiration: BigInt(NOW_MS + 1000) * NS, ...more })
      const message = concatBytes(separator('ic-request-auth-delegation'), hashOfMap(delegation))
      return icMap({ delegation, signature: new Uint8Array(await from.sign(message)) })
    }
    const request = async (type: string, chain: IcValue[], signer: Ed25519KeyIdentity): Promise<Uint8Array> => {
      const content = asIc(callContent({ request_type: type, sender: selfAuthenticating(der(a)) }))
      const signature = await signer.sign(concatBytes(separator('ic-request'), hashOfMap(content)))
      return envelopeOf({
        content,
        sender_pubkey: der(a),
        sender_sig: new Uint8Array(signature),
        sender_delegation: chain,
      })
    }
    expect(refusal(await request('call', [await link(a, b)], b))).toBeUndefined()
    expect(refusal(await request('call', [await link(a, b), await link(b, a)], a))).toMatch(/cycle/)
    const queries = await link(a, b, { permissions: 'queries' })
    expect(refusal(await request('call', [queries], b))).toMatch(/queries only/)
    expect(refusal(await request('query', [queries], b))).toBeUndefined()
  })

  it('holds for WebAuthn assertions, by ES256 and RS256', () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const jwk = (key: { export(options: { format: 'jwk' }): { x?: string; y?: string; n?: string } }) =>
      key.export({ format: 'jwk' })
    const raw = (text: string | undefined): Uint8Array => new Uint8Array(Buffer.from(text ?? '', 'base64url'))
    const point = jwk(ec.publicKey)
    const bytesHead = (bytes: Uint8Array): Uint8Array =>
      bytes.length < 24
        ? Uint8Array.of(0x40 | bytes.length)
        : bytes.length < 256
          ? Uint8Array.of(0x58, bytes.length)
          : Uint8Array.of(0x59, bytes.length >> 8, bytes.length & 255)
    const es256 = concatBytes(fromHex('a5010203262001215820'), raw(point.x), fromHex('225820'), raw(point.y))
    const modulus = raw(jwk(rsa.publicKey).n)
    const rs256 = concatBytes(fromHex('a401030339010020'), bytesHead(modulus), modulus, fromHex('2143010001'))
    for (const [cose, key] of [
      [es256, ec.privateKey],
      [rs256, rsa.privateKey],
    ] as const) {
      const der = coseDer(cose)
      const content = asIc(callContent({ sender: selfAuthenticating(der) }))
      const challenge = toBase64Url(concatBytes(separator('ic-request'), hashOfMap(content)))
      const clientData = toUtf8(JSON.stringify({ type: 'webauthn.get', challenge, origin: 'https://example.com' }))
      const authenticatorData = seed(9)
      const signed = concatBytes(authenticatorData, new Uint8Array(createHash('sha256').update(clientData).digest()))
      const assertion = (signature: Uint8Array): Uint8Array =>
        encodeIc(icMap({ authenticator_data: authenticatorData, client_data_json: clientData, signature }))
      const envelope = (signature: Uint8Array): Uint8Array =>
        envelopeOf({ content, sender_pubkey: der, sender_sig: assertion(signature) })
      expect(refusal(envelope(new Uint8Array(sign('sha256', signed, key))))).toBeUndefined()
      expect(refusal(envelope(new Uint8Array(sign('sha256', concatBytes(signed, seed(0)), key))))).toMatch(/signature/)
    }
  })

  it('is looked through once, however long the challenge is that an assertion names', () => {
    const der = coseDer(seed(1))
    const content = asIc(callContent({ sender: selfAuthenticating(der) }))
    const challenges = ['=', 'A', toBase64Url(concatBytes(separator('ic-request'), hashOfMap(content)))]
    for (const start of challenges) {
      const clientData = toUtf8(JSON.stringify({ challenge: `${start}${'='.repeat(400_000)}x` }))
      const assertion = encodeIc(
        icMap({ authenticator_data: seed(9), client_data_json: clientData, signature: seed(0) }),
      )
      expect(refusal(envelopeOf({ content, sender_pubkey: der, sender_sig: assertion }))).toMatch(/signature/)
    }
  }, 60_000)

  it('does not hold by a chain of many canisters, whose signatures cost much to check', () => {
    const keys = [1, 2, 3].map(byte => canisterDer(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, byte, 1, 1), seed(byte)))
    const link = (pubkey: Uint8Array): IcValue =>
      icMap({ delegation: icMap({ pubkey, expiration: BigInt(NOW_MS + 1000) * NS }), signature: seed(0) })
    const content = asIc(callContent({ sender: selfAuthenticating(keys[0] ?? seed(0)) }))
    const chain = keys.slice(1).map(link)
    const bytes = envelopeOf({ content, sender_pubkey: keys[0], sender_sig: seed(0), sender_delegation: chain })
    expect(refusal(bytes, NOW_MS, [])).toMatch(/too many canister signatures/)
  })

  it('is tried under two root keys, however many a process names', () => {
    const tags = Array.from({ length: 20 }, (_, index) => ({ name: 'IC-Root-Key', value: toBase64Url(seed(index)) }))
    expect(rootKeysOf({ tags })).toEqual([seed(0), seed(1)])
    expect(rootKeysOf({ tags: [{ name: 'IC-Root-Key', value: 'no base64url!' }, ...tags.slice(5)] })).toEqual([
      seed(5),
      seed(6),
    ])
  })

  it('holds for what a canister certifies, under a root key that is believed, and no other', () => {
    const secret = blsSecret(seed(1), 'test')
    const rootKey = blsKeyToDer(blsPublicKey(secret))
    const canister = fromHex('00000000000000ff0101')
    const der = canisterDer(canister, toUtf8('user 1'))
    const content = asIc(callContent({ sender: selfAuthenticating(der) }))
    const message = concatBytes(separator('ic-request'), hashOfMap(content))
    const sign = (signedMessage: Uint8Array, certifier = canister, beside: HashTree = [0]): Uint8Array => {
      const sigTree: HashTree = [
        1,
        beside,
        [2, toUtf8('sig'), [2, sha256(toUtf8('user 1')), [2, sha256(signedMessage), [3, new Uint8Array(0)]]]],
      ]
      const state: HashTree = [
        1,
        [2, toUtf8('canister'), [2, certifier, [2, toUtf8('certified_data'), [3, hashTreeRoot(sigTree)]]]],
        [2, toUtf8('time'), [3, leb128(1)]],
      ]
      const signature = blsSign(secret, stateRootMessage(hashTreeRoot(state)))
      const certificate = encodeIc(icMap({ tree: state as unknown as IcValue, signature }))
      return encodeIc(icMap({ certificate, tree: sigTree as unknown as IcValue }))
    }
    const envelope = (signature: Uint8Array): Uint8Array =>
      envelopeOf({ content, sender_pubkey: der, sender_sig: signature })
    expect(refusal(envelope(sign(message)), NOW_MS, [rootKey])).toBeUndefined()
    expect(refusal(envelope(sign(message)), NOW_MS, [])).toMatch(/signature/)
    expect(refusal(envelope(sign(message)), NOW_MS, [blsKeyToDer(blsPublicKey(blsSecret(seed(2), 'test')))])).toMatch(
      /signature/,
    )
    expect(refusal(envelope(sign(seed(3))), NOW_MS, [rootKey])).toMatch(/signature/)
    const wide = (levels: number): HashTree => (levels === 0 ? [0] : [1, wide(levels - 1), wide(levels - 1)])
    expect(refusal(envelope(sign(message, canister, wide(8))), NOW_MS, [rootKey])).toBeUndefined()
    expect(refusal(envelope(sign(message, canister, wide(12))), NOW_MS, [rootKey])).toMatch(/signature/)
    expect(refusal(envelope(sign(message, fromHex('00000000000000fe0101'))), NOW_MS, [rootKey])).toMatch(/signature/)
  })
})
