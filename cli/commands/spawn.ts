import { Failure, isId } from '../../protocol/index.ts'
import type { CommandContext, CommandEnd, Flags } from '../command.ts'
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
  const schedulers = keysFlag(flags, 'scheduler')
  const computeUnits = keysFlag(flags, 'compute-unit')
  const process = await context.client().spawn(
    {
      module: await findOrAddModule(context, moduleName),
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

/** Keys that a flag names, or nothing. @throws {Failure} `usage` */
function keysFlag(flags: Flags, name: string): readonly string[] | undefined {
  const keys = textsFlag(flags, name)
  const wrong = keys.find(key => !isId(key))
  if (wrong !== undefined)
    throw new Failure(
      'usage',
      { [name]: wrong },
      { note: 'expected the key of a node, 43 characters; /v1/node of a node tells its own' },
    )
  return keys.length > 0 ? keys : undefined
}

/** How many of `keys` (of one, where none are named) must sign. @throws {Failure} `usage` */
function quorumFlag(flags: Flags, name: string, keys: readonly string[] | undefined): number | undefined {
  const count = countFlag(flags, name, 1)
  const of = keys?.length ?? 1
  if (count !== undefined && count > of)
    throw new Failure('usage', { [name]: count }, { note: `only ${of} ${of === 1 ? 'is' : 'are'} named` })
  return count
}
