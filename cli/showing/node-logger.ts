import { createLogger, type NodeLogger } from '../../node/index.ts'
import type { CommandContext } from '../command.ts'
import { safeLine } from './show-bytes.ts'
import type { Terminal } from '../terminal.ts'

type Style = Parameters<Terminal['paintErr']>[0]

/** The log of a node that a command runs: lines for people where somebody looks, else JSON for programs. */
export function nodeLogger(
  { terminal, output }: Pick<CommandContext, 'terminal' | 'output'>,
  level: string,
): NodeLogger {
  if (!terminal.isLive || output.format !== 'text') return createLogger(level)
  return createLogger(level, line => terminal.err(`${showLogLine(line, terminal)}\n`))
}

/** As pino numbers its levels, from the gravest on. */
const MARKS: readonly (readonly [from: number, mark: string, style: Style])[] = [
  [50, '✖', 'red'],
  [40, '!', 'yellow'],
  [0, '·', 'dim'],
]

/** A line of the log for eyes: when, how grave, what happened, and those facts that the sentence does not tell. */
export function showLogLine(line: string, { paintErr }: Pick<Terminal, 'paintErr'>): string {
  const { level, time, msg, ...facts }: Readonly<Record<string, unknown>> = JSON.parse(line)
  const [, mark = '', style = 'dim'] = MARKS.find(([from]) => Number(level) >= from) ?? []
  const sentence = String(msg)
  const told = Object.entries(facts)
    .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)] as const)
    .filter(([, value]) => !sentence.includes(value))
    .map(([name, value]) => `${name}: ${value}`)
  const clock = new Date(Number(time)).toTimeString().slice(0, 8)
  return [
    paintErr('dim', clock),
    paintErr(style, mark),
    safeLine(sentence),
    ...(told.length === 0 ? [] : [paintErr('dim', safeLine(`· ${told.join(', ')}`))]),
  ].join(' ')
}
