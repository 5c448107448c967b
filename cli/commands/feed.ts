import { asProcessId, isId, type ProcessId } from '../../protocol/index.ts'
import { adminTransport } from '../admin-transport.ts'
import type { CommandContext } from '../command.ts'
import { findProcess } from '../words/find-named.ts'
import { renderTable } from '../showing/table.ts'
import { commandName } from '../showing/words-to-type.ts'

/** `atoll feed list` */
export async function listFeeds(context: CommandContext): Promise<undefined> {
  const transport = await adminTransport(context)
  const { feeds } = await transport.request('listFeeds', {}, context.limits)
  context.output.list('feed', 'feeds', feeds, () =>
    feeds.length === 0
      ? `it takes none over; ${commandName(context)} feed seed <process> begins to`
      : renderTable(
          [{ title: 'PROCESS' }, { title: 'WHY' }, { title: 'BLOCKS', right: true }, { title: 'FROM' }],
          feeds.map(({ process, why, blocks, source }) => [process, why, String(blocks), source ?? '–']),
        ),
  )
}

/** `atoll feed seed` */
export async function seedFeed(context: CommandContext): Promise<undefined> {
  const process = await processOf(context)
  await (await adminTransport(context)).request('seedFeed', { process }, context.limits)
  context.output.document('feed.seeded', { process, seeded: true }, () => `${process} is taken over from now on`)
}

/** `atoll feed unseed` */
export async function unseedFeed(context: CommandContext): Promise<undefined> {
  const process = await processOf(context)
  await (await adminTransport(context)).request('unseedFeed', { process }, context.limits)
  context.output.document('feed.seeded', { process, seeded: false }, () => `${process} is not taken over any more`)
}

/** By its id, which the node need not know yet, or as a node calls it. */
async function processOf(context: CommandContext): Promise<ProcessId> {
  const [text = ''] = context.positionals
  return asProcessId(isId(text) ? text : await findProcess(context, text))
}
