import type { CommandContext, CommandEnd } from '../command.ts'
import { findProcess } from '../find-named.ts'
import { choiceFlag, readMessage } from '../message-arguments.ts'
import { showSent, WAITS } from '../show-sent.ts'

/** `atoll send`: prints what the process answered. */
export async function send(context: CommandContext): Promise<CommandEnd> {
  const { flags, positionals, limits } = context
  const [name = '', text] = positionals
  const wait = choiceFlag(flags, 'wait', WAITS)
  const message = await readMessage(context, text)
  const process = await findProcess(context, name)
  const sent = await context.client().send({ process, ...message, signer: await context.signer() }, limits)
  return showSent(context, sent, { wait, type: 'message.sent', showsOutput: true })
}
