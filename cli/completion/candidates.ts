import type { Command, OptionRow } from '../command.ts'

/** A word that could stand next, and what it is. */
export interface Candidate {
  readonly value: string
  readonly about: string
}

/** Letters, digits, and signs that mean nothing to any shell; or what stands in quotes that nothing in it ends, and is harmless without them. */
const INERT = /^(?:[\p{L}\p{N}_.:@%+/=,-]+|'[^'\\$`!\p{C}]+')$/u

/**
 * Whether a shell may be given this word to offer. Bash expands what it is offered, commands in it too, when Tab is
 * pressed; and strangers name processes and messages.
 */
export function isInert(word: string): boolean {
  return INERT.test(word)
}

/** What only the node, or this machine, knows; a look-up that fails gives nothing. */
export interface Lookup {
  /** Words that may stand for a positional such as `<process>`, after the positionals before it. */
  positional(name: string, before: readonly string[]): Promise<readonly Candidate[]>
  identities(): Promise<readonly Candidate[]>
}

interface Vocabulary {
  readonly commands: readonly Command[]
  readonly commonOptions: Readonly<Record<string, OptionRow>>
}

/**
 * Words that could stand in place of the last of `words`, which may be cut short or empty: names of commands, options,
 * values of options, and whatever stands for a positional.
 */
export async function candidates(
  words: readonly string[],
  { commands, commonOptions }: Vocabulary,
  lookup: Lookup,
): Promise<Candidate[]> {
  const partial = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const command = commandOf(before, commands)
  if (command === undefined) return nextWords(before, commands).filter(({ value }) => value.startsWith(partial))
  const options = { ...command.options, ...commonOptions }
  const rest = before.slice(command.name.split(' ').length)
  const open = openOption(rest, options)
  const found =
    open === undefined ? await freely(command, options, partial, rest, lookup) : await valuesOf(open, options, lookup)
  return found.filter(({ value }) => value.startsWith(partial))
}

function commandOf(words: readonly string[], commands: readonly Command[]): Command | undefined {
  for (const length of [2, 1]) {
    const command =
      words.length < length ? undefined : commands.find(({ name }) => name === words.slice(0, length).join(' '))
    if (command !== undefined) return command
  }
  return undefined
}

/** The next words of all commands that begin with `words`; a family of commands is offered once. */
function nextWords(words: readonly string[], commands: readonly Command[]): Candidate[] {
  const next = new Map<string, string>()
  for (const { name, about } of commands) {
    const parts = name.split(' ')
    const word = parts[words.length]
    if (word === undefined || words.some((one, at) => one !== parts[at])) continue
    const isFamily = parts.length > words.length + 1
    if (!next.has(word))
      next.set(word, isFamily ? `${commands.filter(one => one.name.startsWith(`${word} `)).length} commands` : about)
  }
  return [...next].map(([value, about]) => ({ value, about }))
}

/** The option whose value stands next, if the last word is one. */
function openOption(rest: readonly string[], options: Vocabulary['commonOptions']): string | undefined {
  const name = nameOfOption(rest.at(-1) ?? '', options)
  return name !== undefined && options[name]?.type === 'string' ? name : undefined
}

function nameOfOption(word: string, options: Vocabulary['commonOptions']): string | undefined {
  if (word.startsWith('--')) return Object.hasOwn(options, word.slice(2)) ? word.slice(2) : undefined
  if (!/^-[a-z]$/.test(word)) return undefined
  return Object.entries(options).find(([, { short }]) => short === word.slice(1))?.[0]
}

async function valuesOf(
  name: string,
  options: Vocabulary['commonOptions'],
  lookup: Lookup,
): Promise<readonly Candidate[]> {
  if (name === 'identity') return lookup.identities()
  const choices = options[name]?.value?.split('|') ?? []
  return choices.length > 1 ? choices.map(value => ({ value, about: '' })) : []
}

async function freely(
  command: Command,
  options: Vocabulary['commonOptions'],
  partial: string,
  rest: readonly string[],
  lookup: Lookup,
): Promise<readonly Candidate[]> {
  if (partial.startsWith('-'))
    return Object.entries(options).map(([name, { about }]) => ({ value: `--${name}`, about }))
  const positionals = rest.filter(
    (word, at) => !word.startsWith('-') && openOption(rest.slice(0, at), options) === undefined,
  )
  const names = command.usage.match(/<[^>]+>|\[[^\]]+\]/g) ?? []
  const name = names[positionals.length]?.slice(1, -1)
  return name === undefined ? [] : lookup.positional(name, positionals)
}
