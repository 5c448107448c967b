import type { CommandContext, CommandEnd } from '../command.ts'
import { showDuration } from '../words/duration.ts'
import { sentLine } from '../showing/show-sent.ts'
import { whileWaiting } from '../showing/progress.ts'
import { readTypedMessage } from '../words/typed-message.ts'

/** `atoll call`: a message or query of a contract; prints the reply as JSON, however many slots it takes. */
export async function call(context: CommandContext): Promise<CommandEnd> {
  const { positionals, output, limits, terminal } = context
  const message = await readTypedMessage(context, positionals)
  const { process, action } = message
  if (message.kind === 'query') {
    const reply = await message.ask()
    output.document('call.reply', { process, action, reply }, () => shown(reply))
    return undefined
  }
  const started = performance.now()
  const sent = await message.send()
  const reply = await whileWaiting(`slot ${sent.slot}: waiting for the reply`, terminal, sent.reply(limits))
  output.document('call.reply', { process, action, id: sent.id, slot: sent.slot, reply }, () => shown(reply))
  if (output.format === 'text') {
    const facts = [`slot ${sent.slot}`, showDuration(performance.now() - started)]
    terminal.err(sentLine(terminal, terminal.paintErr('green', '✔'), facts, sent.id))
  }
  return undefined
}

const shown = (reply: unknown): string => (reply === undefined ? '' : JSON.stringify(reply, undefined, 2))
