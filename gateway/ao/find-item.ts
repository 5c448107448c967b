import {
  asMessageId,
  asModuleId,
  asProcessId,
  type DataItem,
  isId,
  type Log,
  parseDataItem,
  type ProcessDescription,
} from '../../protocol/index.ts'
import { type AoItem, entryAsAo, itemAsAo } from './ao-item.ts'
import { readSlot } from './feed-reader.ts'
import type { AoFacadeParts } from './parts.ts'

/** An item of this node, and when it got its slot; of modules nobody keeps the time. */
export interface FoundItem {
  readonly item: AoItem
  readonly timestampMs: number | undefined
}

/** How long clients may remember where this node's scheduler is. */
const LOCATION_TIME_TO_LIVE_MS = 3_600_000

/** Any item by its id: process, module, message, or where the scheduler is. */
export async function findItem(parts: AoFacadeParts, id: string): Promise<FoundItem | undefined> {
  if (!isId(id)) return undefined
  const { log } = parts
  const process = await log.directory.process(asProcessId(id))
  if (process !== undefined) return spawnOf(log, process)
  const module = await log.directory.moduleItem(asModuleId(id))
  if (module !== undefined) return { item: itemAsAo(parseDataItem(module)), timestampMs: undefined }
  for (const place of await log.messages.placesOf(asMessageId(id))) {
    const there = await log.directory.process(place.process)
    const entry = there === undefined ? undefined : await readSlot(log, there, place.slot)
    if (there === undefined || entry === undefined) continue
    return { item: await entryAsAo(log, there, entry), timestampMs: entry.timestampMs }
  }
  const location = schedulerLocation(parts)
  return location.item.id === id ? location : undefined
}

/** The spawn message of a process. */
export async function spawnOf(log: Log, process: ProcessDescription): Promise<FoundItem | undefined> {
  const entry = await readSlot(log, process, 0)
  if (entry === undefined) return undefined
  return { item: await entryAsAo(log, process, entry), timestampMs: entry.timestampMs }
}

/**
 * What says where a scheduler is; signed by this node, and always the same item for one URL. For one of another node that is
 * in reach that is here too: what it schedules is taken and shown here. For one that is known by its signed record alone it
 * is where that says.
 */
export function schedulerLocation(parts: AoFacadeParts, key: string = parts.scheduler.key): FoundItem {
  const tags = [
    { name: 'Data-Protocol', value: 'ao' },
    { name: 'Variant', value: 'ao.TN.1' },
    { name: 'Type', value: 'Scheduler-Location' },
    { name: 'Url', value: `${parts.schedulerAt?.(key)?.url ?? parts.publicUrl()}/su` },
    { name: 'Time-To-Live', value: String(LOCATION_TIME_TO_LIVE_MS) },
    ...(key === parts.scheduler.key ? [] : [{ name: 'Scheduler', value: key }]),
  ]
  return { item: named(key, parts.signItem({ tags, data: '' })), timestampMs: undefined }
}

/** An item of a scheduler's own: its owner is known by its key, as in `Scheduler` tags. */
function named(key: string, item: DataItem): AoItem {
  return { ...itemAsAo(item), owner: { address: key, key } }
}
