import type { CommandContext, CommandEnd } from '../command.ts'
import { findProcess } from '../words/find-named.ts'
import { countFlag, textFlag } from '../words/message-arguments.ts'
import { showSent } from '../showing/show-sent.ts'

/** `atoll process fork`: prints the id of the new process. */
export async function fork(context: CommandContext): Promise<CommandEnd> {
  const { flags, limits, output } = context
  const at = countFlag(flags, 'at')
  const source = await findProcess(context, context.positionals[0] ?? '')
  const fields = {
    at,
    name: textFlag(flags, 'name'),
    schedules: flags['no-schedules'] !== true,
    signer: await context.signer(),
  }
  const { id, spawned } = await context.client().processes.fork(source, fields, limits)
  if (spawned === undefined) return undefined
  output.text(id)
  return showSent(context, spawned, { wait: 'evaluated', type: 'process.forked', showsOutput: false })
}
