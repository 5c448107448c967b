import { basename, extname, resolve } from 'node:path'
import { counted } from '../../protocol/index.ts'
import type { BuiltAgent } from '../../toolchain/index.ts'
import type { CommandContext } from '../command.ts'
import { findModule, moduleNameOf } from '../words/find-named.ts'
import { parseTag, textFlag, textsFlag } from '../words/message-arguments.ts'
import { readUserFile, readWasmFile } from '../words/user-files.ts'
import { safeName } from '../showing/show-bytes.ts'
import { renderTable } from '../showing/table.ts'

/** Files that hold an agent, as `atoll dev` and `deploy` find them. */
const AGENT_SOURCE = /\.process\.[mc]?[jt]sx?$/

/** `atoll module add`: prints the module's id. The source of an agent is built first. */
export async function addModule(context: CommandContext): Promise<undefined> {
  const { flags, positionals, output, limits } = context
  const [file = ''] = positionals
  const agent = AGENT_SOURCE.test(file) ? await buildSource(context, file) : undefined
  const format = agent === undefined ? (textFlag(flags, 'format') ?? 'actor') : 'agent'
  // A module of an agent is no WASM: the engine that runs it is the node's.
  const read = format === 'agent' ? readUserFile : readWasmFile
  const wasm = agent?.bytes ?? (await read(context.terminal, file))
  const name = textFlag(flags, 'name') ?? agent?.name ?? basename(file, extname(file))
  const version = agent === undefined ? [] : [{ name: 'Version', value: agent.version }]
  const tags = [{ name: 'Name', value: name }, ...version, ...textsFlag(flags, 'tag').map(parseTag)]
  const id = await context.client().modules.add(wasm, { format, tags, signer: await context.signer() }, limits)
  output.document('module.added', { id, name, format, sizeBytes: wasm.length }, () => id)
}

/** The compiler is loaded where it is needed: it takes longer than most commands. */
async function buildSource({ terminal }: CommandContext, file: string): Promise<BuiltAgent> {
  const { buildAgent } = await import('../../toolchain/index.ts')
  return buildAgent(resolve(terminal.cwd, file))
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
