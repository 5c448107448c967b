import type { CommandContext, CommandEnd } from '../command.ts'
import { findOrAddModule } from '../find-named.ts'
import { choiceFlag, countFlag, readMessage, textFlag, textsFlag } from '../message-arguments.ts'
import { showSent, WAITS } from '../show-sent.ts'

/** `atoll spawn`: prints the process's id. */
export async function spawn(context: CommandContext): Promise<CommandEnd> {
  const { flags, positionals, limits, output } = context
  const [moduleName = '', text] = positionals
  const wait = choiceFlag(flags, 'wait', WAITS)
  const { tags, data } = await readMessage(context, text)
  const name = textFlag(flags, 'name')
  const process = await context.client().spawn(
    {
      module: await findOrAddModule(context, moduleName),
      tags: [...(name === undefined ? [] : [{ name: 'Name', value: name }]), ...tags],
      data,
      schedulers: someOf(textsFlag(flags, 'scheduler')),
      schedulerQuorum: flags['scheduler-quorum'] === undefined ? undefined : countFlag(flags, 'scheduler-quorum', 1),
      computeUnits: someOf(textsFlag(flags, 'compute-unit')),
      computeQuorum: countFlag(flags, 'agree', 1),
      signer: await context.signer(),
    },
    limits,
  )
  if (process.spawned === undefined) return undefined
  output.text(process.id)
  return showSent(context, process.spawned, { wait, type: 'process.spawned', showsOutput: false })
}

function someOf(texts: readonly string[]): readonly string[] | undefined {
  return texts.length > 0 ? texts : undefined
}
