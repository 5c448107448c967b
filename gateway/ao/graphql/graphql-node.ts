import { blockHeightAt, toBase64Url } from '../../../protocol/index.ts'
import { anchorText } from '../ao-item.ts'
import type { FoundItem } from '../find-item.ts'

/** An item as an Arweave gateway tells of it; nothing of its bytes is held. */
export function nodeOf({ item, timestampMs }: FoundItem): unknown {
  const nothing = { winston: '0', ar: '0.000000000000' }
  const type = item.tags.find(({ name }) => name === 'Content-Type')?.value ?? null
  return {
    id: item.id,
    anchor: anchorText(item.anchor) ?? '',
    signature: item.signature,
    recipient: item.target,
    owner: item.owner,
    tags: item.tags,
    block: timestampMs === undefined ? null : blockOf(blockHeightAt(timestampMs), Math.floor(timestampMs / 1000)),
    data: { size: String(item.data.length), type },
    fee: nothing,
    quantity: nothing,
    parent: null,
    bundledIn: null,
    ingested_at: timestampMs === undefined ? null : Math.floor(timestampMs / 1000),
  }
}

/** A block of AO's slow clock; nothing stands in it, so its id is made of its height. */
export function blockOf(
  height: number,
  timestamp: number,
): { id: string; height: number; timestamp: number; previous: string } {
  return { id: blockId(height), height, timestamp, previous: blockId(height - 1) }
}

function blockId(height: number): string {
  const bytes = new Uint8Array(36)
  new DataView(bytes.buffer).setUint32(32, height)
  return toBase64Url(bytes)
}
