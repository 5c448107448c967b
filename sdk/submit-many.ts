import {
  BUNDLE_ITEMS_MAX,
  BUNDLE_SIZE_MAX_BYTES,
  type CallOptions,
  encodeBundle,
  type Failure,
  parseDataItem,
  type SubmittedView,
} from '../protocol/index.ts'
import { failureOfProblem } from './problem-failure.ts'
import { withRetries } from './retry.ts'
import type { Transport } from './transport.ts'

/** An item in a bundle takes this much beside itself; and so does the bundle. */
const ENTRY_BYTES = 64
/** So that a bundle of small items is worth its request, and its answer is not awaited for long. */
const ITEMS_PER_REQUEST = Math.min(1024, BUNDLE_ITEMS_MAX)

/** Hands in items in bundles, one after the other, so that their order is kept; an answer for each. */
export async function submitMany(
  transport: Transport,
  items: readonly Uint8Array[],
  options: CallOptions,
  defaultMs: number,
): Promise<(SubmittedView | Failure)[]> {
  const answers: (SubmittedView | Failure)[] = []
  for (const batch of batchesOf(items)) {
    const bytes = encodeBundle(batch.map(parseDataItem))
    const views = await withRetries(transport, options, defaultMs, limits =>
      transport.request('sendBundle', { bytes }, limits),
    )
    for (const view of views) answers.push('problem' in view ? failureOfProblem(view.problem) : view)
  }
  return answers
}

function* batchesOf(items: readonly Uint8Array[]): Generator<readonly Uint8Array[]> {
  let batch: Uint8Array[] = []
  let sizeBytes = ENTRY_BYTES
  for (const item of items) {
    const isFull = batch.length >= ITEMS_PER_REQUEST || sizeBytes + item.length + ENTRY_BYTES > BUNDLE_SIZE_MAX_BYTES
    if (batch.length > 0 && isFull) {
      yield batch
      batch = []
      sizeBytes = ENTRY_BYTES
    }
    batch.push(item)
    sizeBytes += item.length + ENTRY_BYTES
  }
  if (batch.length > 0) yield batch
}
