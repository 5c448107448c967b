/**
 * What the owner of a process signs so that its schedulers take nothing more while he hands it over: they tell where their feed ends,
 * and go on by themselves once the time is over. `[1, bytes process, uint epoch, uint until]`, the data of an item with the process
 * as its target and one tag, `Type: Epoch-Hold`.
 */
import { MalformedBytes } from '../codec/bytes.ts'
import { CborReader, CborWriter } from '../codec/cbor.ts'
import { type DataItem, parseDataItem } from '../items/data-item.ts'
import { asProcessId, type ProcessId, type Slot } from '../ids.ts'
import { EPOCH_RECORD_MAX_BYTES } from '../limits/limits.ts'
import { readHash, readId, readSmall } from '../process/push.ts'
import type { Tag } from '../items/tags.ts'

export interface EpochHold {
  readonly process: ProcessId
  /** The epoch that is to end. */
  readonly epoch: number
  /** Milliseconds since 1970. */
  readonly untilMs: number
}

/** Where a feed ends. */
export interface FeedPlace {
  readonly length: number
  readonly slots: Slot
  /** Tree hash of all its blocks. */
  readonly hash: Uint8Array
}

export const HOLD_TAGS: readonly Tag[] = [{ name: 'Type', value: 'Epoch-Hold' }]

export function encodeEpochHold({ process, epoch, untilMs }: EpochHold): Uint8Array {
  const writer = new CborWriter()
  writer.array(4)
  writer.uint(1)
  writer.base64Url(process)
  writer.uint(epoch)
  writer.uint(untilMs)
  return writer.finish()
}

/** Takes an order out of its item, whose signature is not looked at. @throws {MalformedBytes} */
export function readHoldItem(bytes: Uint8Array): { readonly item: DataItem; readonly hold: EpochHold } {
  if (bytes.length > EPOCH_RECORD_MAX_BYTES)
    throw new MalformedBytes(`hold: more than ${EPOCH_RECORD_MAX_BYTES} bytes`, 0)
  const item = parseDataItem(bytes)
  const [tag] = item.tags
  if (item.tags.length !== 1 || tag?.name !== 'Type' || tag.value !== 'Epoch-Hold')
    throw new MalformedBytes('hold: expected the one tag Type: Epoch-Hold', 0)
  const reader = new CborReader(item.data)
  if (reader.array() !== 4) throw new MalformedBytes('hold: expected 4 fields', 0)
  if (reader.uint() !== 1) throw new MalformedBytes('hold: unknown version', reader.offset)
  const hold = { process: asProcessId(readId(reader)), epoch: readSmall(reader), untilMs: readSmall(reader) }
  reader.end()
  if (item.target !== hold.process) throw new MalformedBytes('hold: the target is another process', 0)
  return { item, hold }
}

export function writeFeedPlace(writer: CborWriter, place: FeedPlace | undefined): void {
  if (place === undefined) return writer.null()
  writer.array(3)
  writer.uint(place.length)
  writer.uint(place.slots)
  writer.bytes(place.hash)
}

/** @throws {MalformedBytes} */
export function readFeedPlace(reader: CborReader): FeedPlace | undefined {
  if (reader.isNull()) {
    reader.null()
    return undefined
  }
  if (reader.array() !== 3) throw new MalformedBytes('place: expected 3 fields', reader.offset)
  return { length: readSmall(reader), slots: readSmall(reader), hash: readHash(reader).slice() }
}
