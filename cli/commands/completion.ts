import { script } from '@bomb.sh/tab'
import { Failure } from '../../protocol/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { COMMANDS } from '../commands.ts'
import { candidates } from '../completion/candidates.ts'
import { lookUp } from '../completion/look-up.ts'
import { COMMON_OPTIONS } from '../read-arguments.ts'

const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const
/** Tells the shell to offer these words and no files; the last line of what it reads. */
const NO_FILES = ':4'
/** Tells the shell to go on as it would: with files. */
const FILES_TOO = ':0'

/** `atoll completions`: the program that makes a shell ask what could come next. */
export async function completions({ positionals }: CommandContext): Promise<CommandEnd> {
  const [shell = ''] = positionals
  const known = SHELLS.find(name => name === shell)
  if (known === undefined) throw new Failure('usage', { shell, known: SHELLS }, { note: 'no such shell' })
  script(known, 'atoll', 'atoll')
  return undefined
}

/** `atoll complete`: what could come next on a command line, a line each, for the shell. Never fails: a shell would show it. */
export async function complete(context: CommandContext): Promise<CommandEnd> {
  const found = await candidates(context.positionals, { commands: COMMANDS, commonOptions: COMMON_OPTIONS }, lookUp(context)).catch(() => [])
  const lines = found.map(({ value, about }) => (about === '' ? value : `${value}\t${about.replaceAll(/\s+/g, ' ')}`))
  context.terminal.out(`${[...lines, found.length === 0 ? FILES_TOO : NO_FILES].join('\n')}\n`)
  return undefined
}
