import { asMessageId, Failure, isId } from '../../protocol/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { findResult } from '../words/find-result.ts'
import { showTrace } from '../showing/show-trace.ts'

/** `atoll trace`: the tree below a message. */
export async function trace(context: CommandContext): Promise<CommandEnd> {
  const { flags, positionals, output, limits, terminal } = context
  const message = await messageAt(context, positionals[0] ?? '')
  const client = context.client()
  if (flags['follow'] === true) {
    const trees = client.transport.stream('followTrace', { message: asMessageId(message) }, { signal: terminal.signal })
    try {
      for await (const tree of trees) {
        output.document('trace', tree, () => '')
        if (output.format === 'text') await showTrace(context, tree)
      }
    } catch (error) {
      // To interrupt it is how one ends what has no end.
      if (terminal.signal.aborted) return EXIT.interrupted
      throw error
    }
    return undefined
  }
  const tree = flags['settled'] === true ? await client.settled(message, limits) : await client.trace(message, limits)
  if (output.format === 'text') await showTrace(context, tree)
  else output.document('trace', tree, () => '')
  return undefined
}

/** The message that an id names, or that stands in a slot. @throws {Failure} as `findResult`, `unknown-message` */
async function messageAt(context: CommandContext, text: string): Promise<string> {
  if (isId(text)) return text
  const { process, slot } = await findResult(context, text)
  const { message } = await context.client().result(process, slot, context.limits)
  if (message === undefined) throw new Failure('unknown-message', { process, slot }, { note: 'that slot holds none' })
  return message
}
