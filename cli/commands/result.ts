import type { CommandContext, CommandEnd } from '../command.ts'
import { findProcess } from '../words/find-named.ts'
import { Failure, isId } from '../../protocol/index.ts'
import { whileWaiting } from '../showing/progress.ts'
import { safeBlock } from '../showing/show-bytes.ts'
import { showOutput } from '../showing/show-output.ts'
import { endOf, sayLog, withText } from '../showing/show-sent.ts'
import { verifiedResult } from '../verified-result.ts'

/** `atoll result`: prints the output of a slot. */
export async function result(context: CommandContext): Promise<CommandEnd> {
  const { positionals, flags, output, limits, terminal } = context
  const [name = '', place = ''] = positionals
  const process = await findProcess(context, name)
  const asked = context.client().result(process, placeOf(place), limits)
  const found = await whileWaiting(`waiting for ${isId(place) ? 'the message' : `slot ${place}`}`, terminal, asked)
  const isVerified = flags['verify'] === true
  if (isVerified) await verifiedResult(context.client(), process, found.slot, limits)
  output.document('result', { ...withText(found), ...(isVerified ? { verified: true } : {}) }, () =>
    showOutput(found.output),
  )
  if (output.format === 'text') {
    const mark = endOf(found) === undefined ? terminal.paintErr('green', '✔') : terminal.paintErr('red', '✖')
    const facts = [
      `slot ${found.slot}`,
      found.status,
      `${found.gas.toLocaleString('en')} gas`,
      ...(isVerified ? ['verified here'] : []),
    ]
    terminal.err(`${mark} ${facts.join(' · ')}\n`)
    if (found.error !== undefined) terminal.err(`  ${safeBlock(`${found.error.code}: ${found.error.message}`)}\n`)
    sayLog(terminal, found)
  }
  return endOf(found)
}

function placeOf(text: string): number | string {
  if (isId(text)) return text
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new Failure('usage', { place: text }, { note: 'expected a slot, or the id of a message' })
}
