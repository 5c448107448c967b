import { Failure, fromUtf8 } from '../../protocol/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { findProcess } from '../words/find-named.ts'
import { choiceFlag, textFlag } from '../words/message-arguments.ts'
import { readUserFile } from '../words/user-files.ts'
import { safeName } from '../showing/show-bytes.ts'
import { showControlled } from '../showing/show-controlled.ts'
import { shortId } from '../showing/short-id.ts'
import { renderTable } from '../showing/table.ts'

/** `atoll process snapshot` */
export async function snapshot(context: CommandContext): Promise<CommandEnd> {
  const { flags, limits } = context
  const name = textFlag(flags, 'name') ?? nameOfNow()
  const process = await findProcess(context, context.positionals[0] ?? '')
  const signer = await context.signer()
  const done = await context.client().processes.snapshot(process, name, { signer }, limits)
  return showControlled(context, done, { type: 'process.snapshot', done: `kept as ${name}`, facts: { name } })
}

/** `atoll process snapshots` */
export async function snapshots(context: CommandContext): Promise<CommandEnd> {
  const process = await findProcess(context, context.positionals[0] ?? '')
  const { processes } = context.client()
  const lifecycle = await processes.lifecycle(process, context.limits)
  context.output.document('process.snapshots', lifecycle, () => {
    const kept = lifecycle.snapshots.map(({ name, slot, module, sizeBytes }) => [
      safeName(name),
      slot.toLocaleString('en'),
      shortId(module),
      sizeBytes.toLocaleString('en'),
    ])
    const changes = lifecycle.changes.map(({ module, slot }) => `slot ${slot}  ${module}`)
    return [
      renderTable(
        [{ title: 'NAME' }, { title: 'SLOT', right: true }, { title: 'MODULE' }, { title: 'BYTES', right: true }],
        kept,
      ),
      ...(changes.length === 0 ? [] : ['', 'modules since the spawn:', ...changes]),
    ].join('\n')
  })
  return undefined
}

/** `atoll process restore` */
export async function restore(context: CommandContext): Promise<CommandEnd> {
  const { flags, positionals, limits } = context
  const [processName = '', name] = positionals
  const file = textFlag(flags, 'file')
  if ((name === undefined) === (file === undefined)) {
    throw new Failure('usage', {}, { note: 'name a snapshot, or give a document with --file' })
  }
  const pending = choiceFlag(flags, 'pending', ['wait', 'reject'])
  const from = file === undefined ? { name: name ?? '' } : { document: await readDocument(context, file) }
  const process = await findProcess(context, processName)
  const signer = await context.signer()
  const done = await context.client().processes.restore(process, from, { pending, signer }, limits)
  return showControlled(context, done, { type: 'process.restored', done: `restored ${name ?? file}` })
}

/** `atoll process forget` */
export async function forget(context: CommandContext): Promise<CommandEnd> {
  const [processName = '', name = ''] = context.positionals
  const process = await findProcess(context, processName)
  const signer = await context.signer()
  const done = await context.client().processes.forget(process, name, { signer }, context.limits)
  return showControlled(context, done, { type: 'process.forgot', done: `forgot ${name}`, facts: { name } })
}

async function readDocument(context: CommandContext, file: string): Promise<unknown> {
  const bytes = await readUserFile(context.terminal, file)
  try {
    return JSON.parse(fromUtf8(bytes))
  } catch (cause) {
    throw new Failure('bad-file', { file }, { cause, note: 'it is no JSON document' })
  }
}

/** Such as `2026-11-26T07.58.51`: names have no colons. */
const nameOfNow = (): string => new Date().toISOString().slice(0, 19).replaceAll(':', '.')
