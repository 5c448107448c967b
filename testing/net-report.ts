import { Failure, type Receipt, type TraceView } from '../protocol/index.ts'
import type { Journal } from './simulation/journal.ts'
import { showTrace } from './show-trace.ts'

export interface NetReportParts {
  /** One line that says which network this is. */
  readonly title: string
  readonly sent: readonly Receipt[]
  readonly troubles: readonly string[]
  readonly journal: Journal
  trace(receipt: Receipt): Promise<TraceView>
  nameOf(process: string): string
}

const EVENTS_SHOWN = 25
const TREES_SHOWN = 4
const TROUBLES_SHOWN = 5
/** Ids as they stand in events. */
const IDS = /(?<![\w-])[\w-]{43}(?![\w-])/g

/** What somebody needs who sees a test fail. */
export async function netReport(parts: NetReportParts): Promise<string> {
  // Before the trees are read, which is something that happens, too.
  const events = parts.journal.last(EVENTS_SHOWN).map(line => line.replace(IDS, id => parts.nameOf(id)))
  const trees: string[] = []
  for (const receipt of parts.sent.slice(-TREES_SHOWN)) {
    const trace = await parts.trace(receipt).catch((error: unknown) => Failure.from(error))
    const text = trace instanceof Failure ? trace.message : showTrace(trace, process => parts.nameOf(process))
    trees.push(`${receipt.id}\n${indent(text)}`)
  }
  return [
    parts.title,
    section('message trees', trees),
    section('troubles', parts.troubles.slice(-TROUBLES_SHOWN)),
    section('the last events', events),
  ]
    .filter(part => part !== '')
    .join('\n')
}

const indent = (text: string): string => text.replace(/^/gm, '  ')

const section = (title: string, lines: readonly string[]): string =>
  lines.length === 0 ? '' : `${title}:\n${lines.map(indent).join('\n')}`
