import { type Failure, failureNumber, problemOf } from '../../protocol/index.ts'
import { nextStepOf } from './next-step.ts'
import type { OutputFormat } from './output.ts'
import { safeBlock } from './show-bytes.ts'
import { commandName } from './words-to-type.ts'
import type { Terminal } from '../terminal.ts'

const CAUSES_MAX = 5

/** Writes a failure on standard error: what, why, and what to do next; as a document where documents are wanted. */
export function showFailure(failure: Failure, terminal: Terminal, format: OutputFormat): void {
  if (format !== 'text') {
    const document = { $type: 'failure', v: 1, ...problemOf(failure), next: nextStepOf(failure, terminal) }
    terminal.err(`${JSON.stringify(document)}\n`)
    return
  }
  const number = failureNumber(failure.code)
  const lines = [`${terminal.paintErr('red', `✖ ${number}`)} ${safeBlock(failure.message)}`]
  for (const cause of causesOf(failure)) lines.push(`  cause: ${safeBlock(cause)}`)
  const more = terminal.paintErr('dim', `(more: ${commandName({ terminal })} explain ${number})`)
  lines.push(`  next: ${safeBlock(nextStepOf(failure, terminal))} ${more}`)
  if (failure.code === 'internal' && (terminal.env['ATOLL_DEBUG'] ?? '') !== '') lines.push(stackOf(failure))
  terminal.err(`${lines.join('\n')}\n`)
}

function causesOf(failure: Failure): string[] {
  const causes: string[] = []
  for (let cause = failure.cause; cause instanceof Error && causes.length < CAUSES_MAX; cause = cause.cause) {
    const text = cause.message.trim()
    if (text !== '' && !causes.includes(text) && !failure.message.includes(text)) causes.push(text)
  }
  return causes
}

function stackOf(failure: Failure): string {
  return (failure.cause instanceof Error ? failure.cause.stack : failure.stack) ?? ''
}
