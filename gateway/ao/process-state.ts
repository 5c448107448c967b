import { Failure, type ProcessDescription, type Slot, WAIT_MAX_MS } from '../../protocol/index.ts'
import { type CuParts, resultAt } from './cu.ts'
import { countSlots } from './feed-reader.ts'
import { type Fields, noFields } from './fields.ts'

/** Of which slot a process is asked what it shows. */
export type AsOf = Slot | 'evaluated' | 'now'

/** What is told of any process; all else is what it published. */
const OWN: ReadonlySet<string> = new Set(['device', 'initialized', 'at-slot', 'results'])

/**
 * What a process of HyperBEAM shows of itself after a slot: the result of that slot, and what it published, unless `keys` lead
 * elsewhere: that may take all results before.
 */
export async function processState(
  parts: CuParts,
  process: ProcessDescription,
  asOf: AsOf,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<Fields> {
  const { published, computer, formats } = parts
  const least = typeof asOf === 'number' ? asOf : await lastSlot(parts, process, asOf)
  await computer.result(process.id, least, { signal, timeoutMs: WAIT_MAX_MS })
  const isPublished = !OWN.has(keys[0]?.toLowerCase() ?? '') && (await formats.speakAo(process.module))
  const { end, fields } = !isPublished
    ? { end: least + 1, fields: noFields() }
    : typeof asOf === 'number'
      ? await published.before(process.id, least + 1, signal)
      : await published.latest(process.id, least + 1, signal)
  const raw = await resultAt(parts, process, end - 1, signal)
  return { ...fields, device: 'process@1.0', initialized: 'true', 'at-slot': end - 1, results: resultFields(raw) }
}

/** The last slot of the feed, or the last of those that are evaluated. */
async function lastSlot(
  { log, computer }: CuParts,
  process: ProcessDescription,
  asOf: 'evaluated' | 'now',
): Promise<Slot> {
  const slots = await countSlots(log, process)
  if (slots === 0) throw new Failure('unknown-slot', { slot: 0 })
  const end = asOf === 'now' ? slots : Math.min(slots, await computer.evaluated(process.id))
  return Math.max(end, 1) - 1
}

/** A result where clients look for it: releases of aoconnect in `raw`, the aos command in a text of JSON. */
function resultFields(raw: Awaited<ReturnType<typeof resultAt>>): Fields {
  const { Output, Messages, Error: error } = raw
  return { raw, data: dataOf(Output), outbox: Messages, error, json: { body: JSON.stringify(raw) } }
}

const dataOf = (output: unknown): unknown =>
  typeof output === 'object' && output !== null && 'data' in output ? output.data : output
