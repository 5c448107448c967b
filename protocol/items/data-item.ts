/**
 * ANS-104 data items, version 1: the signed messages of the network.
 *
 * Layout, little-endian: signature type (2) | signature | owner | 0 or 1 + target (32) |
 * 0 or 1 + anchor (32) | number of tags (8) | bytes of tags (8) | tags | data.
 * The id is the sha256 of the signature; what is signed is the deep hash of all the other fields.
 */
import { fromBase64Url, MalformedBytes, toBase64Url, toUtf8 } from '../codec/bytes.ts'
import { ed25519PublicKey, ed25519Sign, sha256 } from '../crypto/crypto.ts'
import { hashListStart, hashNext } from './deep-hash.ts'
import { idText } from '../codec/id-text.ts'
import { verifySignature } from './item-signature.ts'
import { knownAddress } from '../crypto/known-address.ts'
import { type SignatureScheme, type Signer, shapeOfScheme, shapeOfType } from '../crypto/keys.ts'
import { knownPrefix } from './known-prefix.ts'
import { TAGS_MAX, TAGS_SIZE_MAX_BYTES } from '../limits/limits.ts'
import type { Piece } from '../codec/piece.ts'
import { checkTags, decodeTagsAt, encodeTags, type Tag } from './tags.ts'

/** A data item; its byte fields are views on `bytes`, which nobody may change. */
export interface DataItem {
  /** sha256 of the signature in base64url, 43 characters. Not a name of the content: see `bytes`. */
  readonly id: string
  readonly scheme: SignatureScheme
  /** The public key; for typed Ethereum items the address as text. */
  readonly owner: Uint8Array
  /** @throws MalformedBytes when a typed Ethereum owner is no address (such an item never verifies). */
  readonly ownerAddress: string
  readonly signature: Uint8Array
  /** 43 characters of base64url. */
  readonly target: string | undefined
  /** 32 bytes. */
  readonly anchor: Uint8Array | undefined
  readonly tags: readonly Tag[]
  /** The tags as they stand in the item. */
  readonly tagsPiece: Piece
  readonly data: Uint8Array
  /** Where they lie. */
  readonly dataPiece: Piece
  /** The whole item, as it came. */
  readonly bytes: Uint8Array
}

/** What is kept of an item that was parsed, where thousands wait for their turn. */
export type ParsedItem = Pick<DataItem, 'id' | 'bytes'>

/** What goes into a new item. */
export interface DataItemFields {
  /** 43 characters of base64url. */
  readonly target?: string | undefined
  /** 32 bytes. */
  readonly anchor?: Uint8Array | undefined
  readonly tags?: readonly Tag[] | undefined
  readonly data: Uint8Array | string
}

const NAME_BYTES = 32
const SIGNATURE_AT = 2
const NO_BYTES = new Uint8Array(0)

/**
 * Takes an item apart and checks its form in full, tags included; its signature is not checked.
 * @throws MalformedBytes when the bytes are not exactly one item; UnsupportedSignatureType (a
 * MalformedBytes) for types other than 1, 2, 3, 4 and 7.
 */
export function parseDataItem(bytes: Uint8Array): DataItem {
  const layout = locate(bytes)
  const { tagCount, tagsAt, dataAt } = layout
  const count = checkTags({ bytes, start: tagsAt, end: dataAt })
  if (count !== tagCount) throw new MalformedBytes(`data item: expected ${tagCount} tags, got ${count}`, tagsAt)
  return new LocatedItem(bytes, layout)
}

/** Takes apart an item that was parsed before, and whose id may be known. @throws MalformedBytes */
export function outlineDataItem(bytes: Uint8Array, id?: string): DataItem {
  return new LocatedItem(bytes, locate(bytes), id)
}

/** Where the signature lies in an item. @throws UnsupportedSignatureType */
export function signatureBounds(bytes: Uint8Array): [start: number, end: number] {
  const type = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8)
  return [SIGNATURE_AT, SIGNATURE_AT + shapeOfType(type).signatureBytes]
}

/** What the owner signs: the deep hash (48 bytes) of every field but the signature. */
export function dataItemMessage(item: Pick<DataItem, 'bytes'>): Uint8Array {
  return messageAt(item.bytes, locate(item.bytes))
}

/** Whether the owner of the item signed it; never throws on a parsed item. */
export function verifyDataItem(item: DataItem): boolean {
  const message = item instanceof LocatedItem ? messageAt(item.bytes, item.layout) : dataItemMessage(item)
  return verifySignature(item.scheme, item.owner, message, item.signature)
}

/**
 * Makes and signs an item.
 * @throws MalformedBytes or RangeError when a field has not its shape (see `DataItemFields`).
 */
export async function createDataItem(fields: DataItemFields, signer: Signer): Promise<DataItem> {
  const bytes = encodeUnsigned(fields, signer.scheme, signer.publicKey)
  return placeSignature(bytes, await signer.sign(dataItemMessage({ bytes })))
}

/** Makes an item and signs it with an Ed25519 seed of 32 bytes, at once. @throws as `createDataItem`. */
export function signDataItemSync(fields: DataItemFields, seed: Uint8Array): DataItem {
  const bytes = encodeUnsigned(fields, 'ed25519', ed25519PublicKey(seed))
  return placeSignature(bytes, ed25519Sign(seed, dataItemMessage({ bytes })))
}

interface Layout {
  readonly scheme: SignatureScheme
  readonly signatureType: number
  readonly ownerAt: number
  /** Where the flag of the target stands; the owner ends here. */
  readonly targetAt: number
  readonly anchorAt: number
  readonly tagCount: number
  readonly tagsAt: number
  readonly dataAt: number
}

function locate(bytes: Uint8Array): Layout {
  if (bytes.length < 2) throw cutShort(bytes)
  const signatureType = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8)
  const { scheme, signatureBytes, ownerBytes } = shapeOfType(signatureType)
  const ownerAt = SIGNATURE_AT + signatureBytes
  const targetAt = ownerAt + ownerBytes
  const anchorAt = targetAt + 1 + optionalSize(bytes, targetAt, 'target')
  const countsAt = anchorAt + 1 + optionalSize(bytes, anchorAt, 'anchor')
  const tagsAt = countsAt + 16
  if (tagsAt > bytes.length) throw cutShort(bytes)
  const tagCount = readCount(bytes, countsAt, TAGS_MAX, 'tags')
  const dataAt = tagsAt + readCount(bytes, countsAt + 8, TAGS_SIZE_MAX_BYTES, 'bytes of tags')
  if (dataAt > bytes.length) throw cutShort(bytes)
  return { scheme, signatureType, ownerAt, targetAt, anchorAt, tagCount, tagsAt, dataAt }
}

function optionalSize(bytes: Uint8Array, at: number, field: string): number {
  const flag = bytes[at]
  if (flag === undefined) throw cutShort(bytes)
  if (flag > 1) throw new MalformedBytes(`data item: expected 0 or 1 before the ${field}`, at)
  return flag * NAME_BYTES
}

/** Eight bytes, little-endian; everything we may accept fits into the first two. */
function readCount(bytes: Uint8Array, at: number, max: number, what: string): number {
  const count = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)
  let rest = 0
  for (let index = 2; index < 8; index++) rest |= bytes[at + index] ?? 0
  if (count > max || rest !== 0) {
    throw new MalformedBytes(`data item: expected at most ${max} ${what}`, at)
  }
  return count
}

function cutShort(bytes: Uint8Array): MalformedBytes {
  return new MalformedBytes('data item: cut short', bytes.length)
}

/** Expensive fields are made when first asked for. */
class LocatedItem implements DataItem {
  readonly bytes: Uint8Array
  readonly #layout: Layout
  #target: string | undefined
  #tags: readonly Tag[] | undefined
  #id: string | undefined
  #ownerAddress: string | undefined

  constructor(bytes: Uint8Array, layout: Layout, id?: string) {
    this.bytes = bytes
    this.#layout = layout
    this.#id = id
  }

  get layout(): Layout {
    return this.#layout
  }

  get tags(): readonly Tag[] {
    this.#tags ??= decodeTagsAt(this.tagsPiece)
    return this.#tags
  }

  get tagsPiece(): Piece {
    return this.#piece(this.#layout.tagsAt, this.#layout.dataAt)
  }

  get dataPiece(): Piece {
    return this.#piece(this.#layout.dataAt, this.bytes.length)
  }

  #piece(start: number, end: number): Piece {
    return { bytes: this.bytes, start, end }
  }

  get id(): string {
    this.#id ??= toBase64Url(sha256(this.signature))
    return this.#id
  }

  get scheme(): SignatureScheme {
    return this.#layout.scheme
  }

  get signature(): Uint8Array {
    return this.bytes.subarray(SIGNATURE_AT, this.#layout.ownerAt)
  }

  get owner(): Uint8Array {
    return this.bytes.subarray(this.#layout.ownerAt, this.#layout.targetAt)
  }

  get ownerAddress(): string {
    this.#ownerAddress ??= knownAddress(this.scheme, this.#piece(this.#layout.ownerAt, this.#layout.targetAt))
    return this.#ownerAddress
  }

  get target(): string | undefined {
    if (this.bytes[this.#layout.targetAt] !== 1) return undefined
    this.#target ??= idText(this.bytes, this.#layout.targetAt + 1)
    return this.#target
  }

  get anchor(): Uint8Array | undefined {
    const anchor = optionalField(this.bytes, this.#layout.anchorAt)
    return anchor.length === 0 ? undefined : anchor
  }

  get data(): Uint8Array {
    return this.bytes.subarray(this.#layout.dataAt)
  }
}

function optionalField(bytes: Uint8Array, at: number): Uint8Array {
  return bytes[at] === 1 ? bytes.subarray(at + 1, at + 1 + NAME_BYTES) : NO_BYTES
}

function messageAt(bytes: Uint8Array, layout: Layout): Uint8Array {
  const { anchorAt, tagsAt, dataAt } = layout
  let hash = prefixAt(bytes, layout)
  if (bytes[anchorAt] === 1) hash = hashNext(hash, optionalField(bytes, anchorAt))
  hash = hashNext(hash, bytes.subarray(tagsAt, dataAt))
  return hashNext(hash, bytes.subarray(dataAt))
}

/** Deep hash of the fields up to the anchor, which is in it if it is empty. */
function prefixAt(bytes: Uint8Array, { signatureType, ownerAt, targetAt, anchorAt }: Layout): Uint8Array {
  return knownPrefix(signatureType, bytes, ownerAt, anchorAt + 1, () => {
    let hash = hashNext(hashListStart(8), toUtf8('dataitem'))
    hash = hashNext(hash, toUtf8('1'))
    hash = hashNext(hash, toUtf8(String(signatureType)))
    hash = hashNext(hash, bytes.subarray(ownerAt, targetAt))
    hash = hashNext(hash, optionalField(bytes, targetAt))
    return bytes[anchorAt] === 0 ? hashNext(hash, NO_BYTES) : hash
  })
}

function encodeUnsigned(fields: DataItemFields, scheme: SignatureScheme, owner: Uint8Array): Uint8Array {
  const { signatureType, signatureBytes, ownerBytes } = shapeOfScheme(scheme)
  if (owner.length !== ownerBytes) throw wrongLength('owner', ownerBytes, owner.length)
  const target = fields.target === undefined ? NO_BYTES : fromBase64Url(fields.target)
  const anchor = fields.anchor ?? NO_BYTES
  if (fields.target !== undefined && target.length !== NAME_BYTES) {
    throw wrongLength('target', NAME_BYTES, target.length)
  }
  if (fields.anchor !== undefined && anchor.length !== NAME_BYTES) {
    throw wrongLength('anchor', NAME_BYTES, anchor.length)
  }
  const tags = encodeTags(fields.tags ?? [])
  const data = typeof fields.data === 'string' ? toUtf8(fields.data) : fields.data
  const targetAt = 2 + signatureBytes + ownerBytes
  const anchorAt = targetAt + 1 + target.length
  const countsAt = anchorAt + 1 + anchor.length
  const bytes = new Uint8Array(countsAt + 16 + tags.length + data.length)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, signatureType, true)
  bytes.set(owner, 2 + signatureBytes)
  bytes[targetAt] = target.length === 0 ? 0 : 1
  bytes.set(target, targetAt + 1)
  bytes[anchorAt] = anchor.length === 0 ? 0 : 1
  bytes.set(anchor, anchorAt + 1)
  view.setUint32(countsAt, fields.tags?.length ?? 0, true)
  view.setUint32(countsAt + 8, tags.length, true)
  bytes.set(tags, countsAt + 16)
  bytes.set(data, countsAt + 16 + tags.length)
  return bytes
}

function placeSignature(bytes: Uint8Array, signature: Uint8Array): DataItem {
  const expected = locate(bytes).ownerAt - 2
  if (signature.length !== expected) throw wrongLength('signature', expected, signature.length)
  bytes.set(signature, 2)
  return parseDataItem(bytes)
}

function wrongLength(field: string, expected: number, got: number): RangeError {
  return new RangeError(`expected a ${field} of ${expected} bytes, got ${got}`)
}
