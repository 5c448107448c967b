import { type Blame, Failure, type FailureCode, failureNumber, FAILURES, nextStepAfter } from '../../protocol/index.ts'
import type { CommandContext } from '../command.ts'
import { didYouMean } from '../../contract/index.ts'
import { renderTable } from '../showing/table.ts'
import { commandName } from '../showing/words-to-type.ts'
import { exitCodeOf } from '../exit-code.ts'

const BLAMED = {
  input: 'what was sent cannot work; the same call fails again',
  trust: 'a signature, certificate or permission does not hold',
  transient: 'nothing is wrong with the call; it may be repeated',
  host: 'the machine or the data folder of the node is at fault',
} as const

/** `atoll explain`: one failure, or the table of all. Needs no node. */
export async function explain(context: CommandContext): Promise<undefined> {
  const { positionals, output } = context
  const [text] = positionals
  const command = commandName(context)
  if (text === undefined) return listAll(output, command)
  const code = codeOf(text, command)
  const { blame, status, title, next } = pick(code, command)
  const number = failureNumber(code)
  const exitCode = exitCodeOf(new Failure(code))
  output.document('failure.explained', { code, number, blame, status, title, next, exitCode }, () =>
    [
      `${number} ${code}: ${title}`,
      '',
      `  blame      ${blame}: ${BLAMED[blame]}`,
      `  next       ${next}`,
      `  HTTP       ${status}`,
      `  exit code  ${exitCode}`,
    ].join('\n'),
  )
}

function listAll(output: CommandContext['output'], command: string): undefined {
  const codes = Object.keys(FAILURES) as FailureCode[]
  const rows = codes
    .map(code => ({ code, number: failureNumber(code), ...pick(code, command) }))
    .toSorted((a, b) => a.number.localeCompare(b.number))
  output.list('failure.explained', 'failures', rows, () =>
    renderTable(
      [{ title: 'NUMBER' }, { title: 'CODE' }, { title: 'BLAME' }, { title: 'TITLE' }],
      rows.map(({ number, code, blame, title }) => [number, code, blame, title]),
    ),
  )
}

function pick(code: FailureCode, command: string): { blame: Blame; title: string; next: string; status: number } {
  const { blame, title, status } = FAILURES[code]
  return { blame, title, next: nextStepAfter(code, command), status }
}

/** Takes `AT3003`, `3003` and `unreachable`. */
function codeOf(text: string, command: string): FailureCode {
  const wanted = text.toLowerCase().replace(/^at(?=\d)/, '')
  const codes = Object.keys(FAILURES) as FailureCode[]
  const found = codes.find(code => code === wanted || String(FAILURES[code].number) === wanted)
  if (found !== undefined) return found
  throw new Failure(
    'usage',
    { code: text },
    { note: `no such failure${didYouMean(text, codes)}; ${command} explain lists them all` },
  )
}
