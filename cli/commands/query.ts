import { Failure } from '../../protocol/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { findProcess } from '../words/find-named.ts'
import { IdentityStore } from '../identity-store.ts'
import { countFlag, readMessage } from '../words/message-arguments.ts'
import { safeBlock, textOf } from '../showing/show-bytes.ts'
import { showOutput } from '../showing/show-output.ts'
import { commandName } from '../showing/words-to-type.ts'
import { endOf } from '../showing/show-sent.ts'
import { type TypedMessage, typedMessageIfAny } from '../words/typed-message.ts'
import { actionHint } from '../words/untyped-words.ts'

/** `atoll query`: prints what the process answered; nothing is signed and nothing kept. */
export async function query(context: CommandContext): Promise<CommandEnd> {
  const { positionals, output, limits, terminal } = context
  const [name = '', text] = positionals
  const typed = flagless(context) ? await typedMessageIfAny(context) : undefined
  if (typed !== undefined) return showReply(context, typed)
  const message = await readMessage(context, text)
  const process = await findProcess(context, name)
  const answer = await context
    .client()
    .query({ process, ...message, from: await addressOf(context), at: countFlag(context.flags, 'at') }, limits)
  const outputText = textOf(answer.output)
  const document = { process, ...answer, ...(outputText === undefined ? {} : { outputText }) }
  output.document('query.answer', document, () => showOutput(answer.output))
  if (answer.error !== undefined && output.format === 'text') {
    terminal.err(
      `${terminal.paintErr('red', '✖')} ${safeBlock(answer.error.code)}: ${safeBlock(answer.error.message)}\n`,
    )
    const hint = context.flags['action'] === undefined ? actionHint(context, 'query', name, text) : undefined
    if (hint !== undefined) terminal.err(`  ${hint}\n`)
  }
  return endOf(answer)
}

/** A question about the past goes to the process as it was, whatever it promises now. */
const flagless = ({ flags }: CommandContext): boolean => flags['at'] === undefined

async function showReply(context: CommandContext, { process, action, kind, ask }: TypedMessage): Promise<CommandEnd> {
  const command = commandName(context)
  if (kind === 'message')
    throw new Failure('usage', { message: action }, { note: `a message is sent: ${command} send, or ${command} call` })
  const reply = await ask()
  context.output.document('query.reply', { process, action, reply }, () =>
    reply === undefined ? '' : JSON.stringify(reply, undefined, 2),
  )
  return undefined
}

/** A question needs no identity; it names the asker if there is one. */
async function addressOf({ settings }: CommandContext): Promise<string | undefined> {
  const store = new IdentityStore(settings.home)
  return (await store.has(settings.identity)) ? (await store.signer(settings.identity)).address : undefined
}
