import { constants, createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fromBase64Url, fromHex, toBase64Url, toHex, toUtf8 } from '../../protocol/codec/bytes.ts'
import { ethereumMessageHash, typedMessageHash } from '../../protocol/crypto/ethereum-message.ts'
import { verifySignature } from '../../protocol/items/item-signature.ts'
import {
  addressOf,
  arweaveSigner,
  ed25519Signer,
  generateEd25519Seed,
  keyId,
  secp256k1Signer,
} from '../../protocol/crypto/keys.ts'
import vectors from '../vectors/data-items.json' with { type: 'json' }

describe('addresses', () => {
  it.each([
    '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
    '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359',
    '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
    '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb',
    '0x52908400098527886E0F7030069857D2E4169EE7',
    '0xde709f2102306220921060314715629080e2fb77',
  ])('are spelled as in EIP-55: %s', address => {
    expect(addressOf('typed-ethereum', toUtf8(address.toLowerCase()))).toBe(address)
  })

  it('of an Ethereum key is that of any wallet', () => {
    // Secret 1; the best-known address there is.
    const secret = fromHex('1'.padStart(64, '0'))
    expect(secp256k1Signer(secret).address).toBe('0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf')
  })

  it('of an Arweave or Ed25519 key is the hash of the key, and an Ed25519 key names itself', () => {
    const signer = ed25519Signer(fromHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'))
    // RFC 8032 §7.1, test 1.
    expect(toHex(signer.publicKey)).toBe('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')
    expect(signer.address).toBe(createHash('sha256').update(signer.publicKey).digest('base64url'))
    expect(keyId(signer.publicKey)).toBe(toBase64Url(signer.publicKey))
    expect(keyId(signer.publicKey)).toHaveLength(43)
    expect(() => keyId(new Uint8Array(33))).toThrow(RangeError)
  })

  it('of a typed Ethereum owner that is no address do not exist', () => {
    for (const owner of ['x'.repeat(42), `0x${'g'.repeat(40)}`, '0x', `0X${'a'.repeat(40)}`]) {
      expect(() => addressOf('typed-ethereum', toUtf8(owner))).toThrow('no Ethereum address')
    }
  })
})

describe('signers', () => {
  const message = new Uint8Array(48).fill(3)

  it('sign what verification takes, and nothing else', async () => {
    const signers = [
      ed25519Signer(generateEd25519Seed()),
      secp256k1Signer(generateEd25519Seed()),
      arweaveSigner(vectors.arweaveJwk),
    ]
    for (const { scheme, publicKey, sign } of signers) {
      const signature = await sign(message)
      expect(verifySignature(scheme, publicKey, message, signature), scheme).toBe(true)
      expect(verifySignature(scheme, publicKey, new Uint8Array(48), signature), scheme).toBe(false)
    }
  })

  it('of Arweave use 32 bytes of salt', async () => {
    const signature = await arweaveSigner(vectors.arweaveJwk).sign(message)
    const { kty, n, e } = vectors.arweaveJwk
    const key = createPublicKey({ key: { kty, n, e }, format: 'jwk' })
    const withSalt = (saltLength: number): boolean =>
      verify('sha256', message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature)
    expect([withSalt(32), withSalt(20), withSalt(64)]).toEqual([true, false, false])
  })

  it('of Arweave take wallets of 4,096 bits only, whatever else stands in the file', async () => {
    const marked = {
      ...vectors.arweaveJwk,
      ext: true,
      key_ops: ['verify'],
      alg: 'RS512',
      use: 'enc',
    }
    expect(await arweaveSigner(marked).sign(message)).toHaveLength(512)
    const small = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
      format: 'jwk',
    })
    expect(() => arweaveSigner({ ...vectors.arweaveJwk, n: small.n ?? '' })).toThrow(RangeError)
  })

  it('make seeds that differ', () => {
    expect(generateEd25519Seed()).toHaveLength(32)
    expect(generateEd25519Seed()).not.toEqual(generateEd25519Seed())
  })
})

describe('Ethereum messages', () => {
  it('are hashed as EIP-191 says', () => {
    expect(toHex(ethereumMessageHash(toUtf8('Hello World')))).toBe(
      'a1de988600a42c4b4ab089b619297c17d53cffae5d5120d82d8a92d0bb3b78f2',
    )
  })

  it('count typed owners in lower case or EIP-55, not in other spellings', () => {
    const vector = vectors.items.find(item => item.scheme === 'typed-ethereum')
    const owner = fromBase64Url(vector?.owner ?? '')
    const message = fromBase64Url(vector?.message ?? '')
    const signature = fromBase64Url(vector?.signature ?? '')
    const checked = addressOf('typed-ethereum', owner)
    const verdict = (text: string): boolean => verifySignature('typed-ethereum', toUtf8(text), message, signature)
    expect(verdict(checked.toLowerCase())).toBe(true)
    expect(verdict(checked)).toBe(true)
    expect(verdict(`0x${checked.slice(2).toUpperCase()}`)).toBe(false)
    expect(verdict(checked.replace('0x', '0X'))).toBe(false)
    expect(verdict(`${checked.slice(0, 41)}${checked.endsWith('0') ? '1' : '0'}`)).toBe(false)
    expect(toHex(typedMessageHash(message, checked.slice(2)))).toHaveLength(64)
  })
})
