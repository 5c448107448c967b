import { relative, resolve } from 'node:path'
import { loadConfig, restoreBackup } from '../../node/index.ts'
import { adminTransport } from '../admin-transport.ts'
import type { CommandContext } from '../command.ts'
import { configFlags } from '../words/config-flags.ts'
import { showDuration } from '../words/duration.ts'
import { commandName } from '../showing/words-to-type.ts'

/** `atoll node backup` */
export async function backUpNode(context: CommandContext): Promise<undefined> {
  const folder = resolve(context.terminal.cwd, context.positionals[0] ?? '')
  const transport = await adminTransport(context)
  const { ms } = await transport.request('adminBackup', { folder }, context.limits)
  context.output.document(
    'node.backup',
    { folder, ms },
    () => `${folder} holds all of the node, keys included, after ${showDuration(ms)}`,
  )
}

/** `atoll node restore` */
export async function restoreNode(context: CommandContext): Promise<undefined> {
  const { flags, terminal, positionals, output } = context
  const { config } = await loadConfig({ flags: configFlags(flags), env: terminal.env, cwd: terminal.cwd })
  const backup = resolve(terminal.cwd, positionals[0] ?? '')
  await restoreBackup(backup, config.data)
  const start = `${commandName(context)} up --data ${relative(terminal.cwd, config.data) || '.'}`
  output.document('node.restored', { backup, data: config.data }, () =>
    [
      `${config.data} is what ${backup} was`,
      '',
      'next, one of them:',
      `  ${start} --peer <address>`,
      '    takes back from peers what was acknowledged since, before it writes anything',
      `  ${start} --accept-restored`,
      '    only if nothing was: two messages could get one slot',
    ].join('\n'),
  )
}
