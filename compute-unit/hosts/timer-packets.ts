import { type CborReader, type CborWriter, readSmall, type Timer } from '../../protocol/index.ts'
import { toBytes, toCellKey } from '../evaluation/cells.ts'
import { optional } from '../optional-value.ts'

export function writeTimers(writer: CborWriter, timers: readonly Timer[]): void {
  writer.array(timers.length * 3)
  for (const { key, dueMs, everyMs } of timers) {
    writer.bytes(toBytes(key))
    writer.uint(dueMs)
    if (everyMs === undefined) writer.null()
    else writer.uint(everyMs)
  }
}

export function readTimers(reader: CborReader): Timer[] {
  const timers: Timer[] = []
  for (let left = reader.array(); left > 0; left -= 3) {
    const [key, dueMs] = [toCellKey(reader.bytes()), readSmall(reader)]
    timers.push({ key, dueMs, everyMs: optional(reader, () => readSmall(reader)) })
  }
  return timers
}
