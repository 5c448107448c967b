import type { Controlled } from '../../sdk/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { stepAfterRefusal } from './refused-upgrade.ts'
import { safeBlock } from './show-bytes.ts'
import { endOf, withText } from './show-sent.ts'

/** Shows what came of a control message: a document, or one line on standard error. */
export function showControlled(
  { output, terminal }: CommandContext,
  { sent, result }: Controlled,
  { type, done, facts = {} }: { type: string; done: string; facts?: object },
): CommandEnd {
  const { id, process, slot, timestampMs } = sent
  output.document(type, { id, process, slot, timestampMs, ...facts, result: withText(result) }, () => '')
  if (output.format !== 'text') return endOf(result)
  const { error } = result
  if (error === undefined) {
    const cost = `${result.gas.toLocaleString('en')} gas`
    terminal.err(`${terminal.paintErr('green', '✔')} ${done} · slot ${slot} · ${cost}\n`)
  } else {
    terminal.err(`${terminal.paintErr('red', '✖')} slot ${slot}: nothing changed\n`)
    terminal.err(`  ${safeBlock(error.code)}: ${safeBlock(error.message)}\n`)
    const step = stepAfterRefusal(error)
    if (step !== undefined) terminal.err(`  next: ${step}\n`)
  }
  return endOf(result)
}
