import {
  ERROR_TEXT_MAX_BYTES,
  type Result,
  type ResultError,
  type ResultStatus,
  type Slot,
} from '../../protocol/index.ts'

const NO_BYTES = new Uint8Array(0)
const NOTHING: readonly never[] = []

/** The result of a slot that changed nothing: no output, and nothing sent. `message` is the id that it carries. */
export function emptyResult(slot: Slot, status: ResultStatus, message: Uint8Array | undefined): Result {
  return {
    slot,
    message,
    status,
    gas: 0n,
    error: undefined,
    output: NO_BYTES,
    log: '',
    outbox: NOTHING,
    assigns: NOTHING,
    dropped: NOTHING,
  }
}

/** An error of a program, its text cut to what a result has room for. */
export function boundedError(error: ResultError): ResultError {
  return { code: error.code, message: error.message.slice(0, ERROR_TEXT_MAX_BYTES / 4) }
}

/** Programs can say half a character, and bounds can cut one in two: UTF-8 has no such thing. */
export function wellFormed(result: Result): Result {
  const { error, log, dropped, assigns } = result
  if (error === undefined && log === '' && dropped.length + assigns.length === 0) return result
  return {
    ...result,
    error: error && { code: error.code.toWellFormed(), message: error.message.toWellFormed() },
    log: log.toWellFormed(),
    dropped: dropped.map(text => text.toWellFormed()),
    assigns: assigns.map(assign => ({ ...assign, exclude: assign.exclude.map(name => name.toWellFormed()) })),
  }
}
