import { type CallOptions, Failure, MalformedBytes, type Receipt, type ResultView } from '../protocol/index.ts'
import { type Answered, type AnsweredError, readOutput } from './read-output.ts'
import type { Ended } from './reply-watch.ts'
import type { ClientClock } from './surroundings.ts'
import { withTimeLimit } from './time-limit.ts'

/** How long a reply is waited for, unless the caller says otherwise. */
const REPLY_TIMEOUT_MS = 60_000

/** Where the parts of an answer come from. */
export interface ReplySources {
  readonly clock: ClientClock
  result(receipt: Receipt, options: CallOptions): Promise<ResultView>
  ended(receipt: Receipt, signal: AbortSignal): Promise<Ended>
}

/**
 * What a message was answered with, as it travelled: in its own slot, or in the one that ends it. `label` says in a
 * failure which message it was.
 * @throws {Failure} `process-error` if it failed; `bad-reply`; `timeout`, `aborted`, `unreachable`
 */
export function awaitReply(
  receipt: Receipt,
  options: CallOptions,
  sources: ReplySources,
  label: string | undefined,
): Promise<unknown> {
  return withTimeLimit(sources.clock, options, REPLY_TIMEOUT_MS, async signal => {
    const timeoutMs = options.timeoutMs ?? REPLY_TIMEOUT_MS
    const result = await sources.result(receipt, { signal, timeoutMs })
    const about = { label, process: receipt.process, slot: receipt.slot, message: receipt.id }
    const output = readAnswer(result, about)
    if (output.pending !== true) return output.reply
    const ended = await sources.ended(receipt, signal)
    if (ended.error !== undefined) throw processError(ended.error, { ...about, slot: ended.slot })
    return ended.reply
  })
}

/** Which answer a failure is about. */
interface About {
  readonly label: string | undefined
  readonly process: string
  readonly slot: number
  readonly message?: string
}

/** The output of an evaluation that went well. @throws {Failure} `process-error`, `bad-reply` */
export function readAnswer(
  answer: Pick<ResultView, 'error' | 'output'> & { readonly status: string },
  about: About,
): Answered {
  const { status, error, output } = answer
  if (status !== 'ok')
    throw processError(refusalIn(output, about) ?? error ?? { code: status, message: 'it had no effect' }, about)
  let read: Answered
  try {
    read = readOutput(output, about)
  } catch (cause) {
    if (!(cause instanceof MalformedBytes)) throw cause
    throw badReply('its output is not one of a process that keeps a contract', about, cause)
  }
  if (read.error !== undefined) throw processError(read.error, about)
  return read
}

/** A canister whose message failed says in its output how. */
function refusalIn(output: Uint8Array, about: About): AnsweredError | undefined {
  try {
    return readOutput(output, about).error
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}

/** An error that the process gave, as a failure; the error itself is its cause. */
function processError(error: AnsweredError, about: About): Failure {
  const { label, ...place } = about
  const cause = Object.assign(new Error(error.message), { code: error.code })
  const reject = error.reject === undefined ? {} : { reject: error.reject }
  const note = label === undefined ? error.message : `${label}: ${error.message}`
  return new Failure('process-error', { code: error.code, ...reject, ...place }, { note, cause })
}

export function badReply(problem: string, { label, ...place }: About, cause?: unknown): Failure {
  return new Failure('bad-reply', place, { note: label === undefined ? problem : `${label}: ${problem}`, cause })
}
