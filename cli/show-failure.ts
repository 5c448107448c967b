import { type Failure, failureNumber, NEXT_STEPS, problemOf } from '../protocol/index.ts'
import type { OutputFormat } from './output.ts'
import { safeBlock } from './show-bytes.ts'
import type { Terminal } from './terminal.ts'

const CAUSES_MAX = 5

/**
 * Writes a failure on standard error: what, why, and what to do next (`step`, or what is always told of its code); as a document
 * where documents are wanted.
 */
export function showFailure(failure: Failure, terminal: Terminal, format: OutputFormat, step?: string): void {
  if (format !== 'text') {
    terminal.err(`${JSON.stringify({ $type: 'failure', v: 1, ...problemOf(failure) })}\n`)
    return
  }
  const number = failureNumber(failure.code)
  const lines = [`${terminal.paintErr('red', `✖ ${number}`)} ${safeBlock(failure.message)}`]
  for (const cause of causesOf(failure)) lines.push(`  cause: ${safeBlock(cause)}`)
  const more = terminal.paintErr('dim', `(more: atoll explain ${number})`)
  lines.push(`  next: ${step ?? NEXT_STEPS[failure.code]} ${more}`)
  if (failure.code === 'internal' && (terminal.env['ATOLL_DEBUG'] ?? '') !== '') lines.push(stackOf(failure))
  terminal.err(`${lines.join('\n')}\n`)
}

function causesOf(failure: Failure): string[] {
  const causes: string[] = []
  for (let cause = failure.cause; cause instanceof Error && causes.length < CAUSES_MAX; cause = cause.cause) {
    const text = cause.message.trim()
    if (text !== '' && !causes.includes(text)) causes.push(text)
  }
  return causes
}

function stackOf(failure: Failure): string {
  return (failure.cause instanceof Error ? failure.cause.stack : failure.stack) ?? ''
}
