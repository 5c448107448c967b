import type { Tag } from '../../protocol/index.ts'
import { TAGS_MAX, TAGS_SIZE_MAX_BYTES } from '../../protocol/index.ts'
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
 * data`, all lengths 32-bit little-endian, tags as in a message. The data are copied out of `bytes`.
 * @throws {GuestStop} `bad-call` if anything does not fit or a limit is passed.
 */
export function readOutgoing(bytes: Uint8Array, call: string): Outgoing {
  if (bytes.length < HEADER_BYTES) throw badCall(call, 'shorter than its header')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const nameLength = view.getUint32(0, true)
  const tagCount = view.getUint32(4, true)
  const tagsLength = view.getUint32(8, true)
  const dataLength = view.getUint32(12, true)
  const anchorField = view.getUint32(16, true)
  const anchorLength = anchorField === NO_ANCHOR ? 0 : anchorField
  const length = HEADER_BYTES + nameLength + anchorLength + tagsLength + dataLength
  if (length !== bytes.length) throw badCall(call, 'lengths do not add up')
  if (nameLength === 0 || nameLength > NAME_MAX_BYTES) throw badCall(call, 'bad length of a name')
  if (anchorLength > ANCHOR_MAX_BYTES) throw badCall(call, 'anchor too long')
  const anchorAt = HEADER_BYTES + nameLength
  const tagsAt = anchorAt + anchorLength
  const dataAt = tagsAt + tagsLength
  return {
    name: textOf(bytes.subarray(HEADER_BYTES, anchorAt), call),
    anchor: anchorField === NO_ANCHOR ? undefined : bytes.slice(anchorAt, tagsAt),
    tags: readTagList(view, bytes.subarray(0, dataAt), tagsAt, tagCount, call),
    data: bytes.slice(dataAt),
  }
}

function readTagList(
  view: DataView,
  bytes: Uint8Array,
  from: number,
  count: number,
  call: string,
): Tag[] {
  if (count > TAGS_MAX) throw badCall(call, 'too many tags')
  if (bytes.length - from - 8 * count > TAGS_SIZE_MAX_BYTES) throw badCall(call, 'tags too large')
  const tags: Tag[] = []
  let at = from
  for (let index = 0; index < count; index++) {
    if (at + 8 > bytes.length) throw badCall(call, 'tags cut short')
    const middle = at + 8 + view.getUint32(at, true)
    const end = middle + view.getUint32(at + 4, true)
    if (end > bytes.length) throw badCall(call, 'tags cut short')
    tags.push({
      name: textOf(bytes.subarray(at + 8, middle), call),
      value: textOf(bytes.subarray(middle, end), call),
    })
    at = end
  }
  if (at !== bytes.length) throw badCall(call, 'bytes behind the last tag')
  return tags
}

/** Reads `[count] ([length] text)*`: `groups` lists, one behind the other, up to the end. */
export function readTextLists(
  bytes: Uint8Array,
  groups: number,
  itemsMax: number,
  call: string,
): string[][] {
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
