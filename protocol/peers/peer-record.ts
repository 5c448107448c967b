import { fromBase64Url, MalformedBytes } from '../codec/bytes.ts'
import { CborReader, CborWriter } from '../codec/cbor.ts'
import { ed25519PublicKey, ed25519Sign, ed25519Verify } from '../crypto/crypto.ts'
import { Failure } from '../failures/failure.ts'
import { asKeyId, type KeyId } from '../ids.ts'
import { PEER_RECORD_ADDRESSES_MAX, PEER_RECORD_MAX_BYTES } from '../limits/limits.ts'
import { domainHash } from '../crypto/merkle.ts'
import { readId, readSmall } from '../process/push.ts'

export const PEER_ROLES = ['messenger', 'scheduler', 'compute'] as const
export type PeerRole = (typeof PEER_ROLES)[number]

/** What a node says of itself: where it is reached and what it does. Only the newest of a key counts, and not for ever. */
export interface PeerRecord {
  readonly key: KeyId
  /** Multiaddresses, without the peer id, which is the key. */
  readonly addresses: readonly string[]
  readonly roles: readonly PeerRole[]
  /** Milliseconds since 1970 when it was made: newer ones take the place of older ones. */
  readonly versionMs: number
  readonly expiresMs: number
  /** Where its HTTP face is reached, if that is for others. */
  readonly url: string | undefined
}

/** Signs what a node says of itself: `[body, signature]`, the body `[1, key, [address, …], [role, …], version, expiry, url or null]`. */
export function signPeerRecord(record: Omit<PeerRecord, 'key'>, seed: Uint8Array): Uint8Array {
  const body = new CborWriter()
  body.array(7)
  body.uint(1)
  body.bytes(ed25519PublicKey(seed))
  body.array(record.addresses.length)
  for (const address of record.addresses) body.text(address)
  body.array(record.roles.length)
  for (const role of record.roles) body.uint(PEER_ROLES.indexOf(role))
  body.uint(record.versionMs)
  body.uint(record.expiresMs)
  if (record.url === undefined) body.null()
  else body.text(record.url)
  const bytes = body.finish()
  const writer = new CborWriter()
  writer.array(2)
  writer.bytes(bytes)
  writer.bytes(ed25519Sign(seed, messageOf(bytes)))
  return writer.finish()
}

/** Reads a record that its key signed. Whether it is old or expired is for whoever holds a clock. @throws {MalformedBytes}, {Failure} `bad-signature`, `too-large` */
export function readPeerRecord(bytes: Uint8Array): PeerRecord {
  if (bytes.length > PEER_RECORD_MAX_BYTES)
    throw new Failure('too-large', { bytes: bytes.length, max: PEER_RECORD_MAX_BYTES })
  const reader = new CborReader(bytes)
  if (reader.array() !== 2) throw new MalformedBytes('peer record: expected 2 fields', 0)
  const [body, signature] = [reader.bytes(), reader.bytes()]
  reader.end()
  const record = readBody(new CborReader(body))
  if (!ed25519Verify(fromBase64Url(record.key), messageOf(body), signature))
    throw new Failure('bad-signature', { peer: record.key })
  return record
}

function readBody(reader: CborReader): PeerRecord {
  if (reader.array() !== 7 || readSmall(reader) !== 1)
    throw new MalformedBytes('peer record: another version', reader.offset)
  const key = asKeyId(readId(reader))
  const addresses = Array.from({ length: bounded(reader, PEER_RECORD_ADDRESSES_MAX) }, () => reader.text())
  const roles = Array.from({ length: bounded(reader, PEER_ROLES.length) }, () => {
    const role = PEER_ROLES[readSmall(reader)]
    if (role === undefined) throw new MalformedBytes('peer record: no such role', reader.offset)
    return role
  })
  const [versionMs, expiresMs] = [readSmall(reader), readSmall(reader)]
  const url = reader.isNull() ? reader.null() : reader.text()
  reader.end()
  return { key, addresses, roles, versionMs, expiresMs, url: url ?? undefined }
}

function bounded(reader: CborReader, max: number): number {
  const count = reader.array()
  if (count > max) throw new MalformedBytes(`peer record: more than ${max}`, reader.offset)
  return count
}

const messageOf = (body: Uint8Array): Uint8Array => domainHash('atoll/peer-record/1', body)
