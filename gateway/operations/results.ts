import {
  type CallOptions,
  type Operations,
  PAGE_MAX,
  PAGE_SIZE_MAX_BYTES,
  type ProcessId,
  type Result,
  type ResultView,
  type Slot,
  WAIT_DEFAULT_MS,
} from '../../protocol/index.ts'
import type { OperationParts } from '../parts.ts'
import { atPlace } from './at-place.ts'
import { maySettle } from './may-settle.ts'
import { knownProcess } from './processes.ts'
import { showResult } from './show.ts'

/** Results left out one after the other: the next comes whatever it is, so that the cursor of who follows moves on. */
const UNTOLD_MAX = 64

/** What came of slots: one, many, or as they come. */
export function resultOperations(
  parts: OperationParts,
): Pick<Operations, 'result' | 'certifiedResult' | 'listResults' | 'followResults'> {
  const { computer } = parts
  return {
    async result({ process, at, wait_ms = WAIT_DEFAULT_MS, final = true }, { signal }) {
      return atPlace(parts, { process, at }, { signal, timeoutMs: wait_ms }, async (slot, options) =>
        shown(parts, process, await computer.result(process, slot, { ...options, early: !final })),
      )
    },
    async certifiedResult({ process, at, wait_ms = WAIT_DEFAULT_MS }, { signal }) {
      return atPlace(parts, { process, at }, { signal, timeoutMs: wait_ms }, async (slot, options) => {
        const { bytes, proof } = await computer.certified(process, slot, options)
        const { resultHead, resultPath, certificateBytes, signatures } = proof
        return {
          process,
          slot,
          result: bytes,
          head: resultHead,
          path: resultPath,
          certificate: certificateBytes,
          signatures,
        }
      })
    },
    async listResults({ process, order = 'asc', ...range }, options) {
      await knownProcess(parts, process)
      const evaluated = await computer.evaluated(process)
      const [from, to] = [range.from ?? 0, Math.min(range.to ?? evaluated, evaluated)]
      const span = { process, from, to, limit: range.limit ?? PAGE_MAX }
      return order === 'asc' ? readUpwards(parts, span, options) : readDownwards(parts, span, options)
    },
    async *followResults({ process, from, settling = false }, options) {
      await knownProcess(parts, process)
      const start = from ?? (await computer.evaluated(process))
      let told = start
      for await (const result of computer.follow(process, start, options)) {
        if (settling && !maySettle(result) && result.slot - told < UNTOLD_MAX) continue
        told = result.slot + 1
        yield await shown(parts, process, result)
      }
    },
  }
}

async function shown({ computer }: OperationParts, process: ProcessId, result: Result): Promise<ResultView> {
  return showResult(process, result, await computer.attested(process, result.slot))
}

interface Span {
  readonly process: ProcessId
  readonly from: Slot
  readonly to: Slot
  readonly limit: number
}

interface Page {
  readonly results: ResultView[]
  readonly next: Slot | undefined
}

async function readUpwards(parts: OperationParts, span: Span, options: CallOptions): Promise<Page> {
  const { computer } = parts
  const { process, from, to, limit } = span
  const results: ResultView[] = []
  let sizeBytes = 0
  if (from >= to || limit === 0) return { results, next: undefined }
  for await (const result of computer.results(process, from, Math.min(to, from + limit), options)) {
    sizeBytes += sizeOf(result)
    if (results.length > 0 && sizeBytes > PAGE_SIZE_MAX_BYTES) break
    results.push(await shown(parts, process, result))
  }
  const next = from + results.length
  return { results, next: next < to ? next : undefined }
}

/** Slots asked for at once on the way down: a page that ends early has read little in vain. */
const STRIDE = 32

async function readDownwards(parts: OperationParts, span: Span, options: CallOptions): Promise<Page> {
  const { computer } = parts
  const { process, from, to, limit } = span
  const results: ResultView[] = []
  let sizeBytes = 0
  for (let high = to; high > from && results.length < limit; ) {
    const low = Math.max(from, high - Math.min(STRIDE, limit - results.length))
    const stride: Result[] = []
    for await (const result of computer.results(process, low, high, options)) stride.push(result)
    for (const result of stride.reverse()) {
      sizeBytes += sizeOf(result)
      if (results.length > 0 && sizeBytes > PAGE_SIZE_MAX_BYTES) return { results, next: result.slot + 1 }
      results.push(await shown(parts, process, result))
    }
    high = low
  }
  const next = to - results.length
  return { results, next: next > from && limit > 0 ? next : undefined }
}

function sizeOf(result: Result): number {
  let sizeBytes = result.output.length + result.log.length + 256
  for (const push of result.outbox) sizeBytes += push.bodyBytes.length + 512
  return sizeBytes
}
