import { asMessageId, Failure, isId } from '../../protocol/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { showTrace } from '../show-trace.ts'

/** `atoll trace`: the tree below a message. */
export async function trace(context: CommandContext): Promise<CommandEnd> {
  const { flags, positionals, output, limits, terminal } = context
  const [message = ''] = positionals
  if (!isId(message)) throw new Failure('usage', { message }, { note: 'expected the id of a message, 43 characters' })
  const client = context.client()
  if (flags['follow'] === true) {
    const trees = client.transport.stream('followTrace', { message: asMessageId(message) }, { signal: terminal.signal })
    for await (const tree of trees) {
      output.document('trace', tree, () => '')
      if (output.format === 'text') await showTrace(context, tree)
    }
    return undefined
  }
  const tree = flags['settled'] === true ? await client.settled(message, limits) : await client.trace(message, limits)
  if (output.format === 'text') await showTrace(context, tree)
  else output.document('trace', tree, () => '')
  return undefined
}
