import { script } from '@bomb.sh/tab'
import { Failure } from '../../protocol/index.ts'
import type { Command, CommandContext, CommandEnd } from '../command.ts'
import { COMMON_OPTIONS } from '../words/common-options.ts'
import { BASH_COMPLETION } from '../completion/bash.ts'
import { candidates, isInert } from '../completion/candidates.ts'
import { lookUp } from '../completion/look-up.ts'
import { safeLine } from '../showing/show-bytes.ts'

const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const
/** Set by a shell that reads what it is offered in a way of its own. */
const FOR_SHELL = 'ATOLL_COMPLETION_FOR'
/** A word as such a shell is offered it: zsh parts what stands before and behind a colon, fish puts in quotes by itself. */
const WRITTEN: Readonly<Record<string, (word: string) => string>> = {
  zsh: word => word.replaceAll(':', '\\:'),
  fish: word => word.replace(/^'(.*)'$/, '$1'),
}
/** Tells the shell to offer these words and no files; the last line of what it reads. */
const NO_FILES = ':4'
/** Tells the shell to go on as it would: with files. */
const FILES_TOO = ':0'

/** `atoll completions`: the program that makes a shell ask what could come next. */
export async function completions({ positionals, terminal }: CommandContext): Promise<CommandEnd> {
  const [shell = ''] = positionals
  const known = SHELLS.find(name => name === shell)
  if (known === undefined) throw new Failure('usage', { shell, known: SHELLS }, { note: 'no such shell' })
  if (known === 'bash') terminal.out(BASH_COMPLETION)
  else script(known, 'atoll', known in WRITTEN ? `${FOR_SHELL}=${known} atoll` : 'atoll')
  return undefined
}

/** `atoll complete`: what could come next on a command line, a line each, for the shell. Never fails: a shell would show it. */
export async function complete(context: CommandContext, commands: readonly Command[]): Promise<CommandEnd> {
  const vocabulary = { commands, commonOptions: COMMON_OPTIONS }
  const all = await candidates(context.positionals, vocabulary, lookUp(context)).catch(() => [])
  const written = WRITTEN[context.terminal.env[FOR_SHELL] ?? ''] ?? (word => word)
  const found = all.filter(({ value }) => isInert(value)).map(({ value, about }) => ({ value: written(value), about }))
  const lines = found.map(({ value, about }) =>
    about === '' ? value : `${value}\t${safeLine(about.replaceAll(/\s+/g, ' '))}`,
  )
  context.terminal.out(`${[...lines, found.length === 0 ? FILES_TOO : NO_FILES].join('\n')}\n`)
  return undefined
}
