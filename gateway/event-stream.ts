import { once } from 'node:events'
import { encodeAnswer, STREAM_HEARTBEAT_MS, STREAM_STALL_MAX_MS } from '../protocol/index.ts'
import { type AnswerContext, headersOf } from './answer.ts'
import type { RequestProblem } from './problem.ts'

/** Values on their way to a reader. */
export interface EventSource {
  readonly values: AsyncIterable<unknown>
  /** The field of a value that becomes the id of its event. */
  readonly cursor: string | undefined
}

/** How long a stream waits for a first value, or a failure, before it says that it is open. */
const OPEN_AFTER_MS = 50

/**
 * Sends values as server-sent events until they end or the reader goes. The next value is asked for only when
 * the one before has left: a slow reader slows its own stream, and is cut off when it takes nothing for too long.
 * A failure before the first event is thrown, to be answered as a problem; a later one is sent as an event.
 */
export async function sendEvents(
  context: AnswerContext,
  source: EventSource,
  parts: {
    readonly signal: AbortSignal
    readonly problemOf: (error: unknown) => RequestProblem
    /** Called when the reader has not taken at once what was written. */
    readonly wrote: () => void
  },
): Promise<void> {
  const { response } = context
  const { signal, wrote } = parts
  const iterator = source.values[Symbol.asyncIterator]()
  let heartbeat: NodeJS.Timeout | undefined
  try {
    let next = iterator.next()
    await Promise.race([next, pause(OPEN_AFTER_MS)])
    response.writeHead(200, headersOf(context, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' }))
    response.write(': open\n\n')
    heartbeat = setInterval(() => beat(context), STREAM_HEARTBEAT_MS)
    for (let step = await next; !step.done && !signal.aborted; step = await next) {
      if (!response.write(eventText(step.value, source.cursor))) {
        wrote()
        if (!(await drained(context, signal))) return
      }
      next = iterator.next()
    }
    response.end('event: end\ndata: {}\n\n')
  } catch (error) {
    if (!response.headersSent) throw error
    if (!response.destroyed) response.end(`event: problem\ndata: ${JSON.stringify(parts.problemOf(error))}\n\n`)
  } finally {
    clearInterval(heartbeat)
    await iterator.return?.().catch(() => undefined)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

/** A comment line; left out while the reader is behind, for it would only wait in memory. */
function beat({ response }: AnswerContext): void {
  if (!response.writableNeedDrain && !response.destroyed) response.write(': heartbeat\n\n')
}

function eventText(value: unknown, cursor: string | undefined): string {
  const id = cursor === undefined ? undefined : (value as Readonly<Record<string, unknown>>)[cursor]
  return `${id === undefined ? '' : `id: ${String(id)}\n`}data: ${encodeAnswer(value)}\n\n`
}

/** Waits until the reader has taken what was written; gives false, and cuts it off, if it does not. */
async function drained({ response }: AnswerContext, signal: AbortSignal): Promise<boolean> {
  try {
    await once(response, 'drain', {
      signal: AbortSignal.any([signal, AbortSignal.timeout(STREAM_STALL_MAX_MS)]),
    })
    return true
  } catch {
    response.destroy()
    return false
  }
}
