import { parseArgs } from 'node:util'
import { Failure, isId } from '../../protocol/index.ts'
import type { Command, Flags } from '../command.ts'
import { COMMANDS } from '../commands.ts'
import { COMMON_OPTIONS } from './common-options.ts'
import { didYouMean, nearWord } from '../../contract/index.ts'

/** Arguments, understood: which command, with what. */
export interface Invocation {
  readonly command: Command
  readonly positionals: readonly string[]
  readonly flags: Flags
}

/** Options of every command may stand before it too: they are put behind. */
export function commandFirst(words: readonly string[]): readonly string[] {
  let at = 0
  for (let word = words[at]; word?.startsWith('-'); word = words[at]) {
    const option = Object.entries(COMMON_OPTIONS).find(
      ([name, { short }]) => word === `--${name}` || word.startsWith(`--${name}=`) || word === `-${short}`,
    )?.[1]
    if (option === undefined) break
    at += option.type === 'string' && !word.includes('=') ? 2 : 1
  }
  return at === 0 || at >= words.length ? words : [...words.slice(at), ...words.slice(0, at)]
}

/** Finds the command that the first words name; the rest are its arguments. @throws {Failure} `usage` */
export function findCommand(words: readonly string[]): { command: Command; rest: string[] } {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(' ')
    const command = COMMANDS.find(row => row.name === name)
    if (command !== undefined) return { command, rest: words.slice(length) }
  }
  if (words[0]?.startsWith('-')) throw new Failure('usage', {}, { note: `no command comes before ${words[0]}` })
  const end = words.findIndex(word => word.startsWith('-'))
  const given = words.slice(0, end < 0 ? 2 : Math.min(2, end)).join(' ')
  throw new Failure('usage', {}, { note: `there is no command "${given}"${suggestion(given)}` })
}

/** Reads the arguments of a command. @throws {Failure} `usage` */
export function readArguments(command: Command, rest: readonly string[]): Invocation {
  const { values, positionals } = parse(command, rest)
  const flags = { ...values } as Record<string, string | boolean | readonly string[] | undefined>
  if (flags['json'] === true) flags['output'] = 'json'
  if (flags['help'] !== true) checkPositionals(command, positionals)
  return { command, positionals, flags }
}

function parse(command: Command, rest: readonly string[]): { values: object; positionals: string[] } {
  const options = Object.fromEntries(
    Object.entries({ ...COMMON_OPTIONS, ...command.options }).map(([name, { type, short, multiple }]) => [
      name,
      {
        type,
        ...(short === undefined ? {} : { short }),
        ...(multiple === undefined ? {} : { multiple }),
      },
    ]),
  )
  try {
    const { values, positionals } = parseArgs({
      args: rest.map(veil),
      options,
      allowPositionals: true,
      strict: true,
    })
    return { values: unveilAll(values), positionals: positionals.map(unveil) }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const [sentence = ''] = error.message.split('. ')
    const unknown = /^Unknown option '--([^']+)'/.exec(sentence)?.[1]
    const near = unknown === undefined ? '' : didYouMean(unknown, Object.keys(options)).replace('"', '"--')
    const dashed = /^Unknown option '-[^-]'/.test(sentence) ? '; a name that begins with a dash stands behind --' : ''
    throw usage(command, sentence.charAt(0).toLowerCase() + sentence.slice(1) + near + dashed)
  }
}

/** Stands before an id while options are told from positionals. */
const VEIL = '\u0000'

/** One id in sixty-four begins with a dash, and is no option for that; nor is its short form, or a slot behind either. */
function veil(word: string): string {
  const [id = ''] = word.split('/')
  return isId(id) || /^-[\w-]{5}\u2026[\w-]{3}$/.test(id) ? VEIL + word : word
}

const unveil = (word: string): string => (word.startsWith(VEIL) ? word.slice(VEIL.length) : word)

function unveilAll(values: object): object {
  const plain = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(plain)
    return typeof value === 'string' ? unveil(value) : value
  }
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, plain(value)]))
}

function checkPositionals(command: Command, positionals: readonly string[]): void {
  const names = command.usage.match(/<[^>]+>|\[[^\]]+\]/g) ?? []
  const required = names.filter(name => name.startsWith('<'))
  const missing = required[positionals.length]
  if (missing !== undefined) throw usage(command, `${missing} is missing`)
  const extra = positionals[names.length]
  if (extra !== undefined && !command.usage.endsWith('…')) throw usage(command, `"${extra}" is one too many`)
}

/** A failure that says how the command is written. */
export function usage(command: Command, note: string): Failure {
  const form = ['atoll', command.name, command.usage].filter(part => part !== '').join(' ')
  return new Failure('usage', {}, { note: `${note}; usage: ${form}` })
}

function suggestion(given: string): string {
  const [first = ''] = given.split(' ')
  const family = COMMANDS.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name)
  const near =
    nearWord(given, family.length > 0 ? family : COMMANDS.map(({ name }) => name)) ??
    nearWord(
      first,
      COMMANDS.map(({ name }) => name),
    )
  if (near !== undefined) return `; did you mean "${near}"?`
  return family.length > 0 ? `; there are ${family.join(', ')}` : ''
}
