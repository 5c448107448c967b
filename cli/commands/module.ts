import { basename, extname } from 'node:path'
import { AGENT_FORMAT, counted } from '../../protocol/index.ts'
import type { CommandContext } from '../command.ts'
import { addIfSource } from '../project/agent-source.ts'
import { findModule, moduleNameOf } from '../words/find-named.ts'
import { parseTag, textFlag, textsFlag } from '../words/message-arguments.ts'
import { readUserFile, readWasmFile } from '../words/user-files.ts'
import { safeName } from '../showing/show-bytes.ts'
import { renderTable } from '../showing/table.ts'

/** `atoll module add`: prints the module's id. The source of an agent is built first. */
export async function addModule(context: CommandContext): Promise<undefined> {
  const { flags, positionals, output, limits } = context
  const [file = ''] = positionals
  const tags = textsFlag(flags, 'tag').map(parseTag)
  const agent = await addIfSource(context, file, { name: textFlag(flags, 'name'), tags })
  if (agent !== undefined) {
    const { id, name, sizeBytes } = agent
    output.document('module.added', { id, name, format: AGENT_FORMAT, sizeBytes }, () => id)
    return
  }
  const format = textFlag(flags, 'format') ?? 'actor'
  // A module of an agent is no WASM: the engine that runs it is the node's.
  const read = format === AGENT_FORMAT ? readUserFile : readWasmFile
  const wasm = await read(context.terminal, file)
  const name = textFlag(flags, 'name') ?? basename(file, extname(file))
  const named = { format, tags: [{ name: 'Name', value: name }, ...tags], signer: await context.signer() }
  const id = await context.client().modules.add(wasm, named, limits)
  output.document('module.added', { id, name, format, sizeBytes: wasm.length }, () => id)
}

/** `atoll module list` */
export async function listModules({ client, output, limits }: CommandContext): Promise<undefined> {
  const modules = await Array.fromAsync(client().modules.list(limits))
  output.list('module', 'modules', modules, () =>
    renderTable(
      [{ title: 'NAME' }, { title: 'MODULE' }, { title: 'FORMAT' }],
      modules.map(({ id, tags, format }) => [safeName(moduleNameOf(tags)), id, safeName(format)]),
    ),
  )
}

/** `atoll module show` */
export async function showModule(context: CommandContext): Promise<undefined> {
  const id = await findModule(context, context.positionals[0] ?? '')
  const module = await context.client().modules.get(id, context.limits)
  context.output.document('module', module, () =>
    [
      `module  ${module.id}`,
      `format  ${module.format}`,
      `owner   ${module.owner}`,
      `size    ${counted(module.sizeBytes ?? 0, 'byte')}`,
      ...module.tags.map(({ name, value }) => `tag     ${safeName(name)}=${safeName(value)}`),
    ].join('\n'),
  )
}
