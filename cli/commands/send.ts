import { Failure } from '../../protocol/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { findProcess } from '../find-named.ts'
import { typedMessageIfAny } from '../typed-message.ts'
import { choiceFlag, readMessage } from '../message-arguments.ts'
import { showSent, WAITS } from '../show-sent.ts'

/** `atoll send`: prints what the process answered. */
export async function send(context: CommandContext): Promise<CommandEnd> {
  const { flags, positionals, limits } = context
  const [name = '', text] = positionals
  const wait = choiceFlag(flags, 'wait', WAITS)
  const typed = await typedMessageIfAny(context)
  if (typed?.kind === 'query')
    throw new Failure('usage', { query: typed.action }, { note: 'a query is asked: atoll query, or atoll call' })
  if (typed !== undefined)
    return showSent(context, await typed.send(), { wait, type: 'message.sent', showsOutput: true })
  const message = await readMessage(context, text)
  const process = await findProcess(context, name)
  const sent = await context.client().send({ process, ...message, signer: await context.signer() }, limits)
  const hint = flags['action'] === undefined && text !== undefined ? actionHint(name, text) : undefined
  return showSent(context, sent, { wait, type: 'message.sent', showsOutput: true, hint })
}

/** Processes without a contract take what stands behind their name for data: one word may have been meant as an action. */
function actionHint(process: string, text: string): string | undefined {
  return /^[A-Za-z][\w-]{0,63}$/.test(text)
    ? `"${text}" was sent as data: if it is an action, atoll send ${process} --action ${text}`
    : undefined
}
