import { counted, Failure, fromBase64Url, jsonDifferences, type StateView } from '../../protocol/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { findProcess } from '../words/find-named.ts'
import { countFlag } from '../words/message-arguments.ts'
import { showBytes } from '../showing/show-bytes.ts'
import { showDifferences } from '../showing/show-differences.ts'

/** `atoll state get` */
export async function getState(context: CommandContext): Promise<CommandEnd> {
  const state = await stateAt(context, countFlag(context.flags, 'at'))
  context.output.document('state', state, () => JSON.stringify(readable(state.document), undefined, 2))
  return undefined
}

/** `atoll state export`: prints the document as it is, for `process restore --file`. */
export async function exportState(context: CommandContext): Promise<CommandEnd> {
  const state = await stateAt(context, countFlag(context.flags, 'at'))
  context.output.document('state', state, () => JSON.stringify(state.document))
  return undefined
}

/** `atoll state diff`: what changed from one slot to another. */
export async function diffState(context: CommandContext): Promise<CommandEnd> {
  const { flags, output, terminal } = context
  const after = await stateAt(context, countFlag(flags, 'at'))
  const from = countFlag(flags, 'from') ?? after.slot - 1
  if (from < 0) throw new Failure('usage', { at: after.slot }, { note: 'there is no state before the first slot' })
  const before = await stateAt(context, from)
  const differences = jsonDifferences(readable(before.document), readable(after.document))
  const document = { process: after.process, from: before.slot, at: after.slot, differences }
  output.document('state.diff', document, () => showDifferences(differences))
  if (output.format === 'text') {
    terminal.err(
      `${terminal.paintErr('dim', `slot ${before.slot} → slot ${after.slot}, ${counted(differences.length, 'difference')}`)}\n`,
    )
  }
  return undefined
}

async function stateAt(context: CommandContext, at: number | undefined): Promise<StateView> {
  const { limits } = context
  const process = await findProcess(context, context.positionals[0] ?? '')
  const progress = context.progress('replaying')
  const onProgress = (reached: number, slot: number): void => progress.at(reached, slot + 1)
  return context
    .client()
    .processes.stateAt(process, { ...limits, at, onProgress })
    .finally(progress.end)
}

/** A document for eyes: the state alone where the program names it, and cells as text where they are text. */
function readable(document: StateView['document']): unknown {
  if ('state' in document) return document['state']
  const { cells, ...rest } = document
  if (typeof cells !== 'object' || cells === null) return document
  const shown = Object.entries(cells).map(([key, value]) => [showText(key), showText(value)])
  return { ...rest, cells: Object.fromEntries(shown) }
}

function showText(text: unknown): string {
  return showBytes(fromBase64Url(String(text)))
}
