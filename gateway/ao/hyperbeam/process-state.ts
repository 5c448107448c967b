import { Failure, type ProcessDescription, type Slot, WAIT_MAX_MS } from '../../../protocol/index.ts'
import { type AoResult, resultAsAo } from '../ao-result.ts'
import type { CuParts } from '../cu.ts'
import { countSlots } from '../feed-reader.ts'
import { Fields } from './fields.ts'

/** Of which slot a process is asked what it shows. */
export type AsOf = Slot | 'evaluated' | 'now'

/** What is told of any process; all else is what it published. */
const OWN: ReadonlySet<string> = new Set(['device', 'initialized', 'at-slot', 'results'])

/**
 * Shows what a process of HyperBEAM tells of itself after a slot, as far as `keys` may lead into it: the result of that slot,
 * or what it published, which may take all results before, or both. `show` takes what it wants at once: a later slot changes it.
 */
export async function showProcess(
  parts: CuParts,
  process: ProcessDescription,
  asOf: AsOf,
  [key]: readonly string[],
  signal: AbortSignal,
  show: (state: Fields) => void,
): Promise<void> {
  const { published, computer, formats } = parts
  const isPast = typeof asOf === 'number'
  const speaksAo = await formats.speakAo(process.module)
  const isPublished = speaksAo && !OWN.has(key?.toLowerCase() ?? '')
  let slot = isPast ? asOf : await lastSlot(parts, process, asOf)
  for (;;) {
    const result = await computer.result(process.id, slot, { signal, timeoutMs: WAIT_MAX_MS })
    const own = () => ownFields(slot, resultAsAo(result, speaksAo))
    if (!isPublished) return show(own())
    const read = isPast ? published.before.bind(published) : published.latest.bind(published)
    const seen = await read(process, slot + 1, signal, ({ end, fields }) => {
      if (key !== undefined) show(fields)
      else if (end === slot + 1) show(new Fields([...fields, ...own()]))
      return end - 1
    })
    if (key !== undefined || seen === slot) return
    // Others have read on in the meantime: with what was published then goes the result of then.
    slot = seen
  }
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

/** What is told of any process, with the result where clients look for it: releases of aoconnect in `raw`, the aos command in a text of JSON. */
function ownFields(slot: Slot, raw: AoResult): Fields {
  const { Output, Messages, Error: error } = raw
  const results = { raw, data: dataOf(Output), outbox: Messages, error, json: { body: JSON.stringify(raw) } }
  return new Fields(Object.entries({ device: 'process@1.0', initialized: 'true', 'at-slot': slot, results }))
}

const dataOf = (output: unknown): unknown =>
  typeof output === 'object' && output !== null && 'data' in output ? output.data : output
