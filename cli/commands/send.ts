import { Failure } from '../../protocol/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { findProcess } from '../words/find-named.ts'
import { typedMessageIfAny } from '../words/typed-message.ts'
import { choiceFlag, readMessage } from '../words/message-arguments.ts'
import { commandName } from '../showing/words-to-type.ts'
import { showSent, WAITS } from '../showing/show-sent.ts'
import { actionHint } from '../words/untyped-words.ts'

/** `atoll send`: prints what the process answered. */
export async function send(context: CommandContext): Promise<CommandEnd> {
  const { flags, positionals, limits } = context
  const [name = '', text] = positionals
  const wait = choiceFlag(flags, 'wait', WAITS)
  const typed = await typedMessageIfAny(context)
  if (typed?.kind === 'query')
    throw new Failure(
      'usage',
      { query: typed.action },
      { note: `a query is asked: ${commandName(context)} query, or ${commandName(context)} call` },
    )
  if (typed !== undefined)
    return showSent(context, await typed.send(), { wait, type: 'message.sent', showsOutput: true })
  const message = await readMessage(context, text)
  const process = await findProcess(context, name)
  const sent = await context.client().send({ process, ...message, signer: await context.signer() }, limits)
  const hint = flags['action'] === undefined ? actionHint(context, 'send', name, text) : undefined
  return showSent(context, sent, { wait, type: 'message.sent', showsOutput: true, hint })
}
