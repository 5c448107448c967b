import type { Command, OptionRow } from './command.ts'
import { COMMANDS } from './commands.ts'
import { COMMON_OPTIONS } from './common-options.ts'

/** What `atoll --help` prints. */
export function overview(version: string): string {
  return [
    `atoll ${version}: a network of independent actors`,
    '',
    'Usage: atoll <command> [options]',
    '',
    ...commandLines(COMMANDS),
    '',
    'Options of every command:',
    ...optionLines(COMMON_OPTIONS),
    '',
    'Exit codes: 0 ok, 1 process or other error, 2 usage, 3 node unreachable, 4 timeout,',
    '            5 identity or permission, 6 verification failed, 130 interrupted',
    'More: atoll <command> --help, atoll explain <code>, atoll doctor',
  ].join('\n')
}

/** What is printed of commands whose names begin with one word, such as `peer`; nothing, if it begins none. */
export function familyHelp(word: string): string | undefined {
  const family = COMMANDS.filter(({ name }) => name.startsWith(`${word} `))
  if (family.length === 0 || COMMANDS.some(({ name }) => name === word)) return undefined
  return ['Commands:', ...commandLines(family), '', 'More: atoll <command> --help'].join('\n')
}

/** What `atoll <command> --help` prints. */
export function commandHelp(command: Command): string {
  const own = optionLines(command.options)
  return [
    `${command.about}`,
    '',
    `Usage: atoll ${formOf(command)} [options]`,
    ...(own.length > 0 ? ['', 'Options:', ...own] : []),
    '',
    'Options of every command:',
    ...optionLines(COMMON_OPTIONS),
    '',
    'Examples:',
    ...command.examples.map(example => `  ${example}`),
  ].join('\n')
}

function commandLines(commands: readonly Command[]): string[] {
  const width = Math.max(...commands.map(command => formOf(command).length))
  return commands.map(command => `  ${formOf(command).padEnd(width)}  ${command.about}`)
}

function formOf({ name, usage }: Command): string {
  return usage === '' ? name : `${name} ${usage}`
}

function optionLines(options: Readonly<Record<string, OptionRow>>): string[] {
  const rows = Object.entries(options).map(([name, { short, value, about, multiple }]) => {
    const form = `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` <${value}>`}`
    return [form, `${about}${multiple === true ? '; may repeat' : ''}`] as const
  })
  const width = Math.max(0, ...rows.map(([form]) => form.length))
  return rows.map(([form, about]) => `  ${form.padEnd(width)}  ${about}`)
}
