import { MalformedBytes } from '../codec/bytes.ts'
import { CborReader, CborWriter } from '../codec/cbor.ts'
import { readSmall } from '../process/push.ts'

/** Consecutive blocks of a feed, byte for byte, as they are handed to who checks them. */
export interface FeedPage {
  /** Index of the first block here. */
  readonly from: number
  /** Blocks the feed has. */
  readonly length: number
  readonly blocks: readonly Uint8Array[]
}

/** `[1, from, length, [block, …]]`. */
export function encodeFeedPage(page: FeedPage): Uint8Array {
  const writer = new CborWriter()
  writer.array(4)
  writer.uint(1)
  writer.uint(page.from)
  writer.uint(page.length)
  writer.array(page.blocks.length)
  for (const block of page.blocks) writer.bytes(block)
  return writer.finish()
}

/** Blocks are views on `bytes`. @throws {MalformedBytes} */
export function decodeFeedPage(bytes: Uint8Array): FeedPage {
  const reader = new CborReader(bytes)
  if (reader.array() !== 4) throw new MalformedBytes('feed page: expected 4 fields', 0)
  if (reader.uint() !== 1) throw new MalformedBytes('feed page: unknown version', reader.offset)
  const from = readSmall(reader)
  const length = readSmall(reader)
  const count = reader.array()
  const blocks: Uint8Array[] = []
  for (let i = 0; i < count; i++) blocks.push(reader.bytes())
  reader.end()
  return { from, length, blocks }
}
