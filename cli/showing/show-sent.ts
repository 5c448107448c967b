import { Failure, type ResultView, type TraceNodeView } from '../../protocol/index.ts'
import type { Sent } from '../../sdk/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { showDuration } from '../words/duration.ts'
import { EXIT } from '../exit-code.ts'
import { whileWaiting } from './progress.ts'
import { showTrace } from './show-trace.ts'
import { safeBlock, safeText, textOf } from './show-bytes.ts'
import { widthOf } from './table.ts'
import type { Terminal } from '../terminal.ts'
import { showOutput } from './show-output.ts'

/** What a command that sends may wait for; the first is the usual. */
export const WAITS = ['evaluated', 'scheduled', 'settled'] as const

interface Wish {
  readonly wait: (typeof WAITS)[number]
  readonly type: string
  readonly showsOutput: boolean
  /** What to try instead, told if the process answers with an error. */
  readonly hint?: string | undefined
}

/** Waits for what was asked, and shows it: data on standard output, how it went on standard error. */
export async function showSent(context: CommandContext, sent: Sent, wish: Wish): Promise<CommandEnd> {
  const { output, limits } = context
  const receipt = { id: sent.id, process: sent.process, slot: sent.slot, timestampMs: sent.timestampMs }
  if (wish.wait === 'scheduled') {
    output.document(wish.type, receipt, () => (wish.showsOutput ? sent.id : ''))
    return undefined
  }
  const started = performance.now()
  const asked = sent.result(limits).catch(error => tellOfSlot(error, sent))
  const result = await whileWaiting(`slot ${sent.slot}: waiting for what comes of it`, context.terminal, asked)
  const tookMs = performance.now() - started
  if (wish.wait === 'evaluated') {
    output.document(wish.type, { ...receipt, result: withText(result) }, () =>
      wish.showsOutput ? showOutput(result.output) : '',
    )
    // A spawn message is called as its process, which was told.
    const id = sent.id === String(sent.process) ? undefined : sent.id
    if (output.format === 'text') sayHow(context, result, tookMs, id)
    if (wish.hint !== undefined && endOf(result) !== undefined) context.terminal.err(`  ${wish.hint}\n`)
    return endOf(result)
  }
  const trace = await whileWaiting(
    'waiting until all that it caused has settled',
    context.terminal,
    sent.settled(limits),
  )
  output.document(wish.type, { ...receipt, result: withText(result), trace }, () => '')
  if (output.format === 'text') await showTrace(context, trace)
  return hasError(trace.root) ? EXIT.failed : undefined
}

/** Who sends again what has its slot sends it twice: that it has one is part of what went wrong. */
function tellOfSlot(error: unknown, { process, slot, id }: Sent): never {
  if (!Failure.is(error) || error.blame !== 'transient') throw error
  const note = 'it has its slot, and its result is still to come: do not send it again'
  throw new Failure(error.code, { ...error.details, process, slot, message: id }, { note, cause: error.cause })
}

/** A result as a document: its output as text too, where it is text. */
export function withText(result: ResultView): object {
  const outputText = textOf(result.output)
  return outputText === undefined ? result : { ...result, outputText }
}

/** The exit code of a result. */
export function endOf({ status }: { status: string }): CommandEnd {
  return status === 'ok' || status === 'idle' || status === 'duplicate' ? undefined : EXIT.failed
}

/** One line on standard error: slot, status, cost; and the process's error, if it gave one. */
function sayHow({ terminal }: CommandContext, result: ResultView, tookMs: number, id: string | undefined): void {
  const isGood = endOf(result) === undefined
  const good = result.final ? terminal.paintErr('green', '✔') : terminal.paintErr('yellow', '·')
  const mark = isGood ? good : terminal.paintErr('red', '✖')
  const { by, needed } = result.attested
  const status = result.final
    ? result.status
    : `${result.status}, not final: ${by.length} of ${needed} compute units agree`
  const facts = [`slot ${result.slot}`, status, `${result.gas.toLocaleString('en')} gas`, showDuration(tookMs)]
  if (result.outbox.length > 0) facts.push(`${result.outbox.length} sent`)
  terminal.err(sentLine(terminal, mark, facts, id))
  if (result.error === undefined) return
  terminal.err(`  ${safeBlock(result.error.code)}: ${safeBlock(result.error.message)}\n`)
  sayLog(terminal, result)
}

/** What a slot wrote while it ran: of a program that failed, often the only word of where. */
export function sayLog(terminal: Terminal, { log }: ResultView): void {
  if (log !== '') terminal.err(`${safeText(log).trimEnd()}\n`)
}

/** What came of a message, and its id if one is given: on a line of its own where both do not fit into one. */
export function sentLine(
  { columns, paintErr }: Pick<Terminal, 'columns' | 'paintErr'>,
  mark: string,
  facts: readonly string[],
  id: string | undefined,
): string {
  const line = `${mark} ${facts.join(' · ')}`
  if (id === undefined) return `${line}\n`
  const isTooWide = columns !== undefined && widthOf(line) + ` · message ${id}`.length > columns
  return `${line}${isTooWide ? `\n  ${paintErr('dim', `message ${id}`)}` : ` ${paintErr('dim', `· message ${id}`)}`}\n`
}

function hasError(root: TraceNodeView): boolean {
  const waiting = [root]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.status === 'error') return true
    waiting.push(...node.children)
  }
  return false
}
