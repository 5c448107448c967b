import { asModuleId, type CborReader, type CborWriter, readId, readSmall } from '../../protocol/index.ts'
import { toBytes, toCellKey } from '../evaluation/cells.ts'
import type { ProcessSnapshot, SnapshotDelta } from '../evaluation/frame-outcome.ts'
import { optional } from '../optional-value.ts'

/** `[slots, module, since, pages, engine, log hash, [index, chunk, …], [key, value or null, …]]`: a snapshot, or a difference. */
export function writeSnapshot(writer: CborWriter, snapshot: ProcessSnapshot | SnapshotDelta): void {
  writer.array(8)
  writer.uint(snapshot.slots)
  writer.base64Url(snapshot.module)
  writer.uint(snapshot.since)
  writer.uint(snapshot.pages)
  writer.bytes(snapshot.engine)
  writer.bytes(snapshot.logHash)
  writer.array(snapshot.chunks.size * 2)
  for (const [index, bytes] of snapshot.chunks) {
    writer.uint(index)
    writer.bytes(bytes)
  }
  writer.array(snapshot.cells.length * 2)
  for (const [key, value] of snapshot.cells) {
    writer.bytes(toBytes(key))
    if (value === undefined) writer.null()
    else writer.bytes(value)
  }
}

export function readSnapshot(reader: CborReader): ProcessSnapshot {
  reader.array()
  const [slots, module, since] = [readSmall(reader), asModuleId(readId(reader)), readSmall(reader)]
  const [pages, engine, logHash] = [readSmall(reader), reader.bytes(), reader.bytes()]
  const chunks = new Map<number, Uint8Array>()
  for (let left = reader.array(); left > 0; left -= 2) chunks.set(readSmall(reader), reader.bytes())
  const cells: [string, Uint8Array][] = []
  for (let left = reader.array(); left > 0; left -= 2) {
    const key = toCellKey(reader.bytes())
    // In a difference a null is a cell that is gone; the type of a whole snapshot has none.
    cells.push([key, optional(reader, () => reader.bytes()) as Uint8Array])
  }
  return { slots, module, since, pages, engine, logHash, chunks, cells }
}
