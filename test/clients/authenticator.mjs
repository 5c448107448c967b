import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'

const sha256 = bytes => createHash('sha256').update(bytes).digest()
const ORIGIN = 'https://example.com'
const USER_PRESENT = 0x01

/** A security key with a P-256 key, as a browser shows it to pages: what `navigator.credentials` has of it, and its key in COSE. */
export function authenticator() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x, y } = publicKey.export({ format: 'jwk' })
  const [left, right] = [x, y].map(part => Buffer.from(part, 'base64url'))
  // A map of kind 2 (EC2), algorithm -7 (ES256), curve 1 (P-256), and the point.
  const cose = Buffer.concat([Buffer.from('a5010203262001215820', 'hex'), left, Buffer.from('225820', 'hex'), right])
  const get = async ({ publicKey: { challenge } }) => {
    const told = { type: 'webauthn.get', challenge: Buffer.from(challenge).toString('base64url'), origin: ORIGIN }
    const clientDataJSON = Buffer.from(JSON.stringify(told))
    const authenticatorData = Buffer.concat([sha256('example.com'), Buffer.from([USER_PRESENT, 0, 0, 0, 1])])
    const signature = sign('sha256', Buffer.concat([authenticatorData, sha256(clientDataJSON)]), privateKey)
    const bytes = { authenticatorData, clientDataJSON, signature }
    const response = Object.fromEntries(Object.entries(bytes).map(([name, value]) => [name, Uint8Array.from(value)]))
    return { type: 'public-key', authenticatorAttachment: null, response }
  }
  return { id: new Uint8Array(randomBytes(16)), cose: Uint8Array.from(cose), credentials: { get } }
}
