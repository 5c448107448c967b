import { asProcessId, Failure, type OperationOutput, type ResultView } from '../../protocol/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { findProcess } from '../words/find-named.ts'
import { countFlag } from '../words/message-arguments.ts'
import { safeLine } from '../showing/show-bytes.ts'
import { showOutput } from '../showing/show-output.ts'
import { withText } from '../showing/show-sent.ts'
import { cutTo, renderTable } from '../showing/table.ts'

const LIMIT = 20
const PAGE = 500
const OUTPUT_COLUMNS = 60
const COLUMNS = [
  { title: 'SLOT', right: true },
  { title: 'STATUS' },
  { title: 'GAS', right: true },
  { title: 'SENT', right: true },
  { title: 'OUTPUT' },
]

/** `atoll results`: a table of the latest, or with `-f` a line for each as it comes, for as long as this command was given. */
export async function results(context: CommandContext): Promise<CommandEnd> {
  const process = await findProcess(context, context.positionals[0] ?? '')
  return context.flags['follow'] === true ? follow(context, process) : list(context, process)
}

async function list(context: CommandContext, process: string): Promise<undefined> {
  const { flags, output, limits } = context
  const from = countFlag(flags, 'from')
  const limit = countFlag(flags, 'limit', 1) ?? LIMIT
  const found: ResultView[] = []
  let [start, end]: [number | undefined, number | undefined] = [from, undefined]
  while (found.length < limit) {
    const page: OperationOutput<'listResults'> = await context.client().transport.request(
      'listResults',
      {
        process: asProcessId(process),
        ...(from === undefined ? { to: end, order: 'desc' as const } : { from: start }),
        limit: Math.min(PAGE, limit - found.length),
      },
      limits,
    )
    found.push(...page.results)
    if (page.next === undefined || page.results.length === 0) break
    ;[start, end] = [page.next, page.next]
  }
  if (from === undefined) found.reverse()
  output.list('result', 'results', found.map(withText), () => renderTable(COLUMNS, found.map(rowOf)))
}

async function follow(context: CommandContext, process: string): Promise<CommandEnd> {
  const { flags, output, terminal } = context
  const from = countFlag(flags, 'from')
  const limit = countFlag(flags, 'limit', 1) ?? Number.POSITIVE_INFINITY
  const given = flags['timeout'] === undefined ? undefined : context.limits.timeoutMs
  const over = given === undefined ? undefined : AbortSignal.timeout(given)
  const signal = over === undefined ? terminal.signal : AbortSignal.any([terminal.signal, over])
  let count = 0
  output.text('    SLOT  STATUS     GAS           OUTPUT')
  try {
    for await (const result of context.client().results(process, { from, signal })) {
      output.document('result', withText(result), () => lineOf(result))
      if (++count >= limit) break
    }
  } catch (cause) {
    if (over?.aborted === true) throw new Failure('timeout', { process, results: count }, { cause })
    // To interrupt it is how one ends what has no end.
    if (terminal.signal.aborted) return EXIT.interrupted
    throw cause
  }
  return undefined
}

function rowOf(result: ResultView): string[] {
  return [
    String(result.slot),
    result.status,
    result.gas.toLocaleString('en'),
    String(result.outbox.length),
    shown(result),
  ]
}

function lineOf(result: ResultView): string {
  const [slot = '', status = '', gas = '', , text = ''] = rowOf(result)
  return `${slot.padStart(8)}  ${status.padEnd(9)}  ${gas.padEnd(12)}  ${text}`.trimEnd()
}

function shown({ error, output }: ResultView): string {
  const text = error === undefined ? showOutput(output) : safeLine(`${error.code}: ${error.message}`)
  return cutTo(text.replaceAll(/\s+/g, ' '), OUTPUT_COLUMNS)
}
