/**
 * WebAuthn assertions as signatures (IC interface specification, "Web Authentication"): the authenticator signed its
 * own data and the hash of a JSON text in which the message stands as the challenge.
 */
import { concatBytes, equalBytes, fromUtf8, MalformedBytes, toBase64Url } from '../codec/bytes.ts'
import { type CborValue, decodeCbor } from '../codec/cbor.ts'
import { ed25519Verify, rsaPkcs1Verify, sha256 } from '../crypto/crypto.ts'
import { p256Verify } from '../crypto/p256.ts'
import { decodeIc, isIcMap } from './ic-value.ts'
import { element } from './user-key.ts'

const ES256 = -7
const RS256 = -257
const EDDSA = -8

/** Whether the COSE key made the assertion over `message`. @throws {MalformedBytes} */
export function verifyAssertion(cose: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const assertion = decodeIc(signature)
  const [authenticatorData, clientData, raw] = isIcMap(assertion)
    ? [assertion.get('authenticator_data'), assertion.get('client_data_json'), assertion.get('signature')]
    : []
  if (!(authenticatorData instanceof Uint8Array && raw instanceof Uint8Array))
    throw new MalformedBytes('assertion: a field is missing', 0)
  const text = clientData instanceof Uint8Array ? fromUtf8(clientData) : clientData
  if (typeof text !== 'string' || !holdsChallenge(text, message)) return false
  const signed = concatBytes(authenticatorData, sha256(new TextEncoder().encode(text)))
  return verifyCose(cose, signed, raw)
}

/** `type` is not looked at: what was signed begins with a domain of the IC, whatever it was asked for. */
function holdsChallenge(json: string, message: Uint8Array): boolean {
  let parsed: unknown
  try {
    parsed = JSON.parse(json)
  } catch (cause) {
    throw new MalformedBytes('assertion: client data is not JSON', 0, { cause })
  }
  const challenge =
    typeof parsed === 'object' && parsed !== null && 'challenge' in parsed ? parsed.challenge : undefined
  return typeof challenge === 'string' && isPadded(challenge, toBase64Url(message))
}

/** Some clients pad what they encode. Whoever sends it chooses its length: it is gone through once. */
function isPadded(text: string, expected: string): boolean {
  return text.startsWith(expected) && /^=*$/.test(text.slice(expected.length))
}

function verifyCose(cose: Uint8Array, signed: Uint8Array, signature: Uint8Array): boolean {
  const key = decodeCbor(cose)
  if (!(key instanceof Map)) throw new MalformedBytes('COSE key: expected a map', 0)
  const map = key as ReadonlyMap<unknown, CborValue>
  const algorithm = map.get(3)
  if (algorithm === ES256 && map.get(1) === 2 && map.get(-1) === 1) {
    const point = concatBytes(Uint8Array.of(4), bytesAt(map, -2, 32), bytesAt(map, -3, 32))
    return p256Verify(point, signed, ecdsaFromDer(signature))
  }
  if (algorithm === RS256 && map.get(1) === 3) {
    if (!equalBytes(bytesAt(map, -2, undefined), Uint8Array.of(1, 0, 1))) return false
    return rsaPkcs1Verify(bytesAt(map, -1, undefined), signed, signature)
  }
  if (algorithm === EDDSA && map.get(1) === 1 && map.get(-1) === 6)
    return ed25519Verify(bytesAt(map, -2, 32), signed, signature)
  throw new MalformedBytes('COSE key: neither ES256, RS256 nor EdDSA', 0)
}

function bytesAt(map: ReadonlyMap<unknown, CborValue>, name: number, length: number | undefined): Uint8Array {
  const value = map.get(name)
  if (value instanceof Uint8Array && (length === undefined || value.length === length)) return value
  throw new MalformedBytes(`COSE key: bad parameter ${name}`, 0)
}

/** r and s, 32 bytes each, of a DER signature. @throws {MalformedBytes} */
function ecdsaFromDer(der: Uint8Array): Uint8Array {
  const both = element(der, 0, 0x30)
  const r = element(der, both.start, 0x02)
  const s = element(der, r.end, 0x02)
  if (both.end !== der.length || s.end !== der.length) throw new MalformedBytes('signature: trailing bytes', s.end)
  return concatBytes(integer(der.subarray(r.start, r.end)), integer(der.subarray(s.start, s.end)))
}

function integer(bytes: Uint8Array): Uint8Array {
  const unsigned = bytes[0] === 0 && bytes.length > 1 ? bytes.subarray(1) : bytes
  const isShortest = bytes.length > 0 && (bytes[0] !== 0 || bytes.length === 1 || (bytes[1] ?? 0) >= 0x80)
  if (!isShortest || (bytes[0] ?? 0) >= 0x80 || unsigned.length > 32)
    throw new MalformedBytes('signature: bad integer', 0)
  const padded = new Uint8Array(32)
  padded.set(unsigned, 32 - unsigned.length)
  return padded
}
