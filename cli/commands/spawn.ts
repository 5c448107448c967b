import type { CommandContext, CommandEnd } from '../command.ts'
import { checkArgs } from '../words/checked-args.ts'
import { findOrAddModule } from '../words/find-named.ts'
import { keysFlag, quorumFlag } from '../words/key-flags.ts'
import { choiceFlag, readMessage, textFlag } from '../words/message-arguments.ts'
import { showSent, WAITS } from '../showing/show-sent.ts'

/** `atoll spawn`: prints the process's id. */
export async function spawn(context: CommandContext): Promise<CommandEnd> {
  const { flags, positionals, limits, output } = context
  const [moduleName = '', text] = positionals
  const wait = choiceFlag(flags, 'wait', WAITS)
  const { tags, data } = await readMessage(context, text)
  const name = textFlag(flags, 'name')
  const schedulers = keysFlag(flags, 'scheduler')
  const computeUnits = keysFlag(flags, 'compute-unit')
  const module = await findOrAddModule(context, moduleName)
  if (text !== undefined) await checkArgs(context, module, text)
  const process = await context.client().spawn(
    {
      module,
      tags: [...(name === undefined ? [] : [{ name: 'Name', value: name }]), ...tags],
      data,
      schedulers,
      schedulerQuorum: quorumFlag(flags, 'scheduler-quorum', schedulers),
      computeUnits,
      computeQuorum: quorumFlag(flags, 'agree', computeUnits ?? schedulers),
      signer: await context.signer(),
    },
    limits,
  )
  if (process.spawned === undefined) return undefined
  output.text(process.id)
  return showSent(context, process.spawned, { wait, type: 'process.spawned', showsOutput: false })
}
