import type { Command, OptionRow } from '../command.ts'
import { COMMANDS } from '../commands.ts'
import { COMMON_OPTIONS } from '../words/common-options.ts'
import { hanging } from './hanging.ts'
import type { Terminal } from '../terminal.ts'

/** What help is written on. */
export type Sheet = Pick<Terminal, 'columns' | 'paint'>

/** First words of commands, in the order in which somebody needs them; what no chapter has is for programs. */
const CHAPTERS: readonly (readonly [title: string, words: readonly string[]])[] = [
  ['To begin', ['up', 'new', 'dev', 'deploy']],
  ['Processes and messages', ['spawn', 'call', 'send', 'query', 'result', 'results', 'trace']],
  ['What runs, and its state', ['process', 'module', 'state', 'schedule']],
  ['Canisters', ['ic']],
  ['To believe nobody', ['verify', 'proof', 'evidence']],
  ['Nodes, peers and backups', ['node', 'peer', 'feed']],
  ['You and this machine', ['identity', 'mcp', 'doctor', 'explain', 'completions']],
]

/** What `atoll --help` prints. */
export function overview(version: string, sheet: Sheet): string {
  const chapters = CHAPTERS.flatMap(([title, words]) => [
    sheet.paint('bold', title),
    ...commandLines(
      words.flatMap(word => COMMANDS.filter(({ name }) => name.split(' ', 1)[0] === word)),
      sheet,
    ),
    '',
  ])
  return [
    `${sheet.paint('bold', `atoll ${version}`)}: a network of independent actors`,
    '',
    'Usage: atoll <command> [options]',
    '',
    ...chapters,
    sheet.paint('bold', 'Options of every command'),
    ...optionLines(COMMON_OPTIONS, sheet),
    '',
    'Exit codes: 0 ok, 1 process or other error, 2 usage, 3 node unreachable,',
    '            4 timeout, 5 identity or permission, 6 verification failed,',
    '            130 interrupted',
    'More: atoll <command> --help, atoll explain <code>, atoll doctor',
  ].join('\n')
}

/** What is printed of commands whose names begin with one word, such as `peer`; nothing, if it begins none. */
export function familyHelp(word: string, sheet: Sheet): string | undefined {
  const family = COMMANDS.filter(({ name }) => name.startsWith(`${word} `))
  if (family.length === 0 || COMMANDS.some(({ name }) => name === word)) return undefined
  return [
    `Usage: atoll ${word} <command> [options]`,
    '',
    ...commandLines(family, sheet),
    '',
    `More: atoll ${word} <command> --help`,
  ].join('\n')
}

/** What `atoll <command> --help` prints. */
export function commandHelp(command: Command, sheet: Sheet): string {
  const own = optionLines(command.options, sheet)
  return [
    `${command.about}`,
    '',
    `Usage: atoll ${formOf(command)} [options]`,
    ...(own.length > 0 ? ['', sheet.paint('bold', 'Options'), ...own] : []),
    '',
    sheet.paint('bold', 'Options of every command'),
    ...optionLines(COMMON_OPTIONS, sheet),
    '',
    sheet.paint('bold', 'Examples'),
    ...command.examples.map(example => `  ${example}`),
  ].join('\n')
}

function commandLines(commands: readonly Command[], sheet: Sheet): string[] {
  return inTwo(
    commands.map(command => [formOf(command), command.about]),
    sheet,
  )
}

function formOf({ name, usage }: Command): string {
  return usage === '' ? name : `${name} ${usage}`
}

function optionLines(options: Readonly<Record<string, OptionRow>>, sheet: Sheet): string[] {
  return inTwo(
    Object.entries(options).map(([name, { short, value, about, multiple }]) => {
      const form = `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` <${value}>`}`
      return [form, `${about}${multiple === true ? '; may repeat' : ''}`]
    }),
    sheet,
  )
}

/** Forms, and what each is about beside it. */
function inTwo(rows: readonly (readonly [form: string, about: string])[], { columns }: Sheet): string[] {
  const width = Math.max(0, ...rows.map(([form]) => form.length))
  return rows.map(([form, about]) => hanging(`  ${form.padEnd(width)}  `, about, columns))
}
