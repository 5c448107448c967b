import type { Tag } from '../../protocol/index.ts'
import { TAGS_MAX, TAGS_SIZE_MAX_BYTES } from '../../protocol/index.ts'
import type { GuestMemory } from './guest-memory.ts'
import { badCall, textOf } from './guest-stop.ts'

/** Bytes of an address or an id that a guest names. */
const NAME_MAX_BYTES = 128
const ANCHOR_MAX_BYTES = 32
const HEADER_BYTES = 20
const NO_ANCHOR = 0xffff_ffff

/** What a guest asks to send, or to spawn: `name` is the receiver, or the child's module. */
export interface Outgoing {
  readonly name: string
  readonly tags: readonly Tag[]
  readonly data: Uint8Array
  readonly anchor: Uint8Array | undefined
}

/**
 * Reads `[name length, tag count, tags length, data length, anchor length or -1] name anchor tags
 * data`, all lengths 32-bit little-endian, tags as in a message. The data are copied out.
 * @throws {GuestStop} `bad-call` if anything does not fit or a limit is passed.
 */
export function readOutgoing(memory: GuestMemory, pointer: number, length: number, call: string): Outgoing {
  const bytes = memory.read(pointer, length, call)
  if (bytes.length < HEADER_BYTES) throw badCall(call, 'shorter than its header')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const nameLength = view.getUint32(0, true)
  const tagCount = view.getUint32(4, true)
  const tagsLength = view.getUint32(8, true)
  const anchorField = view.getUint32(16, true)
  const anchorLength = anchorField === NO_ANCHOR ? 0 : anchorField
  const anchorAt = HEADER_BYTES + nameLength
  const tagsAt = anchorAt + anchorLength
  const dataAt = tagsAt + tagsLength
  if (dataAt + view.getUint32(12, true) !== bytes.length) {
    throw badCall(call, 'lengths do not add up')
  }
  if (nameLength === 0 || nameLength > NAME_MAX_BYTES) throw badCall(call, 'bad length of a name')
  if (anchorLength > ANCHOR_MAX_BYTES) throw badCall(call, 'anchor too long')
  if (tagCount > TAGS_MAX) throw badCall(call, 'too many tags')
  if (tagsLength - 8 * tagCount > TAGS_SIZE_MAX_BYTES) throw badCall(call, 'tags too large')
  const texts = new Texts(bytes, memory.readLatin1(pointer, dataAt, call), call)
  return {
    name: texts.at(HEADER_BYTES, anchorAt),
    anchor: anchorField === NO_ANCHOR ? undefined : bytes.slice(anchorAt, tagsAt),
    tags: readTagList(view, texts, { at: tagsAt, end: dataAt, count: tagCount, call }),
    data: bytes.slice(dataAt),
  }
}

function readTagList(
  view: DataView,
  texts: Texts,
  list: { at: number; end: number; count: number; call: string },
): Tag[] {
  const { end, call } = list
  const tags: Tag[] = []
  let at = list.at
  for (let index = 0; index < list.count; index++) {
    if (at + 8 > end) throw badCall(call, 'tags cut short')
    const middle = at + 8 + view.getUint32(at, true)
    const next = middle + view.getUint32(at + 4, true)
    if (next > end) throw badCall(call, 'tags cut short')
    tags.push({ name: texts.at(at + 8, middle), value: texts.at(middle, next) })
    at = next
  }
  if (at !== end) throw badCall(call, 'bytes behind the last tag')
  return tags
}

/**
 * Texts cut out of bytes that were read as one character each: for ASCII, which nearly all are,
 * one read for all texts is much faster than one for each.
 */
class Texts {
  readonly #bytes: Uint8Array
  readonly #latin1: string
  readonly #call: string

  constructor(bytes: Uint8Array, latin1: string, call: string) {
    this.#bytes = bytes
    this.#latin1 = latin1
    this.#call = call
  }

  at(start: number, end: number): string {
    for (let at = start; at < end; at++) {
      if ((this.#bytes[at] ?? 0) > 127) return textOf(this.#bytes.subarray(start, end), this.#call)
    }
    return this.#latin1.substring(start, end)
  }
}

/** Reads `[count] ([length] text)*`: `groups` lists, one behind the other, up to the end. */
export function readTextLists(bytes: Uint8Array, groups: number, itemsMax: number, call: string): string[][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const lists: string[][] = []
  let at = 0
  const next = (): number => {
    if (at + 4 > bytes.length) throw badCall(call, 'cut short')
    at += 4
    return view.getUint32(at - 4, true)
  }
  for (let group = 0; group < groups; group++) {
    const count = next()
    if (count > itemsMax) throw badCall(call, 'list too long')
    const list: string[] = []
    for (let index = 0; index < count; index++) {
      const length = next()
      if (length > NAME_MAX_BYTES || at + length > bytes.length) throw badCall(call, 'cut short')
      list.push(textOf(bytes.subarray(at, at + length), call))
      at += length
    }
    lists.push(list)
  }
  if (at !== bytes.length) throw badCall(call, 'bytes behind the end')
  return lists
}
