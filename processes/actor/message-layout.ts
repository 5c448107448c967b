import {
  type GuestMessage,
  type Piece,
  PlainTagCursor,
  pieceOfAll,
  type Tag,
  TagCursor,
  writeIdText,
} from '../../protocol/index.ts'

/**
 * The message as it stands in a guest's memory, version 1; docs/protocol/actor-abi.md has the table.
 *
 * 1. All integers are little-endian and unsigned; the header has a fixed size.
 * 2. Field k lies between end[k-1] and end[k], counted from the start of the message; the first
 *    field begins at the header's end, the last end is the message's length.
 * 3. Ids and addresses are text, because tags name them as text.
 */
const VERSION = 1
const HEADER_BYTES = 72
const KINDS = {
  spawn: 0,
  message: 1,
  tick: 2,
  assigned: 3,
  query: 4,
  restore: 5,
  ingress: 6,
} as const
const FLAG_FROM_PROCESS = 1
const FLAG_ANCHOR = 2
const FLAG_TIMER = 4
const TWO_32 = 2 ** 32

const INITIAL_BYTES = 16 * 1024
/** Up to this many bytes a loop is faster than a call. */
const COPY_BY_HAND_MAX = 64
const utf8 = new TextEncoder()

/** Where the end of the first text stands in the header; those of the others follow. */
const TEXT_ENDS_AT = 32
const TEXTS = 6
const ID_CHARACTERS = 43
/** Views of longer messages are not kept. */
const VIEWED_MAX_BYTES = 2048

/** Writes messages one after the other into one kept buffer. */
export class MessageEncoder {
  #bytes = new Uint8Array(INITIAL_BYTES)
  #view = new DataView(this.#bytes.buffer)
  #at = 0
  readonly #views: (Uint8Array | undefined)[] = []
  /** The texts of the last message and their places. Most recur, and what stands at its place is not written again. */
  readonly #texts = new Array<string>(TEXTS).fill('')
  readonly #places = new Array<number>(TEXTS).fill(HEADER_BYTES)
  /** Their bytes. */
  readonly #standing = new Array<number>(TEXTS).fill(0)

  /** The encoding of `message`: a view that is valid until the next call. */
  encode(message: GuestMessage): Uint8Array {
    const { anchor, raw } = message
    const tags = raw?.tags ?? raw?.plainTags ?? message.tags
    const data = raw?.data ?? pieceOfAll(message.data)
    this.#reserve(message, tags, (anchor?.length ?? 0) + data.end - data.start)
    this.#at = HEADER_BYTES
    const view = this.#view
    if (raw === undefined) this.#text(0, message.id)
    else this.#id(0, raw.id)
    this.#text(1, message.target)
    this.#text(2, message.from)
    this.#text(3, message.owner)
    if (raw === undefined) this.#text(4, message.origin)
    else if (raw.origin === raw.id) this.#sameId(4)
    else this.#id(4, raw.origin)
    this.#text(5, message.fromModule ?? '')
    if (anchor !== undefined) this.#copy(anchor, 0, anchor.length)
    view.setUint32(56, this.#at, true)
    this.#key(message.timer ?? '', 60)
    const tagCount = 'bytes' in tags ? this.#rawTags(tags, raw?.tags === undefined) : this.#tags(tags)
    this.#copy(data.bytes, data.start, data.end)
    view.setUint32(68, this.#at, true)
    view.setUint8(0, VERSION)
    view.setUint8(1, KINDS[message.kind])
    view.setUint16(2, flagsOf(message, anchor), true)
    view.setUint32(4, message.depth, true)
    setUint53(view, 8, message.slot)
    setUint53(view, 16, message.timestampMs)
    view.setUint32(24, tagCount, true)
    view.setUint32(28, HEADER_BYTES, true)
    return this.#written()
  }

  /** Messages of a kind have few lengths: the view of each is kept. */
  #written(): Uint8Array {
    const length = this.#at
    if (length > VIEWED_MAX_BYTES) return this.#bytes.subarray(0, length)
    return (this.#views[length] ??= this.#bytes.subarray(0, length))
  }

  #text(index: number, text: string): void {
    const start = this.#at
    if (this.#texts[index] === text && this.#places[index] === start) this.#at += this.#standing[index] ?? 0
    else {
      this.#at = this.#put(text, start)
      this.#texts[index] = text
      this.#places[index] = start
      this.#standing[index] = this.#at - start
    }
    this.#view.setUint32(TEXT_ENDS_AT + 4 * index, this.#at, true)
  }

  #id(index: number, { bytes, start }: Piece): void {
    writeIdText(bytes, start, this.#view, this.#at)
    this.#at += ID_CHARACTERS
    this.#places[index] = -1
    this.#view.setUint32(TEXT_ENDS_AT + 4 * index, this.#at, true)
  }

  /** The id of the message once more. */
  #sameId(index: number): void {
    const bytes = this.#bytes
    for (let at = 0; at < ID_CHARACTERS; at++) bytes[this.#at + at] = bytes[HEADER_BYTES + at] ?? 0
    this.#at += ID_CHARACTERS
    this.#places[index] = -1
    this.#view.setUint32(TEXT_ENDS_AT + 4 * index, this.#at, true)
  }

  /** A key of a cell or timer: one byte for each character. */
  #key(key: string, endAt: number): void {
    for (let index = 0; index < key.length; index++) {
      this.#bytes[this.#at++] = key.charCodeAt(index)
    }
    this.#view.setUint32(endAt, this.#at, true)
  }

  #tags(tags: readonly Tag[]): number {
    for (const tag of tags) {
      const start = this.#at
      const middle = this.#put(tag.name, start + 8)
      this.#at = this.#put(tag.value, middle)
      this.#view.setUint32(start, middle - start - 8, true)
      this.#view.setUint32(start + 4, this.#at - middle, true)
    }
    this.#view.setUint32(64, this.#at, true)
    return tags.length
  }

  /** Tags as they stand in an item or a push that was checked: nothing of them becomes text here. */
  #rawTags(piece: Piece, isOfPush: boolean): number {
    const { bytes } = piece
    const tags = isOfPush ? new PlainTagCursor(piece) : new TagCursor(piece)
    for (let left = tags.count; left > 0; left--) {
      const start = this.#at
      this.#at += 8
      tags.next()
      this.#copy(bytes, tags.start, tags.end)
      this.#view.setUint32(start, tags.end - tags.start, true)
      tags.next()
      this.#copy(bytes, tags.start, tags.end)
      this.#view.setUint32(start + 4, tags.end - tags.start, true)
    }
    this.#view.setUint32(64, this.#at, true)
    return tags.count
  }

  #copy(source: Uint8Array, start: number, end: number): void {
    const bytes = this.#bytes
    let at = this.#at
    this.#at += end - start
    if (end - start > COPY_BY_HAND_MAX) bytes.set(source.subarray(start, end), at)
    else for (let from = start; from < end; from++) bytes[at++] = source[from] ?? 0
  }

  /** Ids and most tags are short ASCII: by hand that is several times faster than the platform. */
  #put(text: string, start: number): number {
    const bytes = this.#bytes
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index)
      if (code > 127) return start + utf8.encodeInto(text, bytes.subarray(start)).written
      bytes[start + index] = code
    }
    return start + text.length
  }

  #reserve(message: GuestMessage, tags: readonly Tag[] | Piece, otherBytes: number): void {
    let bytes = HEADER_BYTES + otherBytes + 2 * ID_CHARACTERS
    let characters = message.target.length + message.from.length + message.owner.length
    characters += (message.fromModule?.length ?? 0) + (message.timer?.length ?? 0)
    if (message.raw === undefined) characters += message.id.length + message.origin.length
    // Two lengths of one byte at least become two of four.
    if ('bytes' in tags) bytes += 4 * (tags.end - tags.start)
    else {
      for (const { name, value } of tags) {
        characters += name.length + value.length
        bytes += 8
      }
    }
    bytes += 3 * characters
    if (bytes <= this.#bytes.length) return
    this.#bytes = new Uint8Array(bytes * 2)
    this.#view = new DataView(this.#bytes.buffer)
    this.#places.fill(-1)
    this.#views.length = 0
  }
}

function flagsOf(message: GuestMessage, anchor: Uint8Array | undefined): number {
  let flags = message.fromProcess === undefined ? 0 : FLAG_FROM_PROCESS
  if (anchor !== undefined) flags |= FLAG_ANCHOR
  if (message.timer !== undefined) flags |= FLAG_TIMER
  return flags
}

/** Writes an integer below 2^53 as 64 bits without a BigInt. */
function setUint53(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % TWO_32, true)
  view.setUint32(at + 4, Math.floor(value / TWO_32), true)
}
