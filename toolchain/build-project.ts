import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { AGENT_FORMAT, type Tag, toUtf8 } from '../protocol/index.ts'
import { type BuiltAgent, buildAgent } from './build-agent.ts'
import { type AgentSource, APP_FOLDER, type CommandSource, type Project } from './project.ts'

/** A module to be signed, and the process that is made of it. */
export interface BuiltProcess {
  /** Its Name tag. */
  readonly name: string
  readonly format: string
  readonly bytes: Uint8Array
  /** Tags of the module's item, besides its format. */
  readonly moduleTags: readonly Tag[]
  readonly spawnTags: readonly Tag[]
  readonly spawnData: Uint8Array
  /** The author's program within a command: it is replaced without another module. */
  readonly app: Uint8Array | undefined
  /** Why it cannot be spawned with the args of the project; undefined if it can. */
  readonly argsProblem: string | undefined
  /** Files it is made of, absolute. */
  readonly inputs: readonly string[]
}

/** Gives the id that a built module will have: whoever signs decides. */
export type NameModule = (built: Pick<BuiltProcess, 'format' | 'bytes' | 'moduleTags'>) => Promise<string>

const JSON_TAG: Tag = { name: 'Content-Type', value: 'application/json' }
/** The Module-Format of WASI programs. */
const COMMAND_FORMAT = 'command'

/**
 * Builds all processes of a project. Agents that share files with others of the project are told their modules, so that
 * `ctx.spawn` finds them by their contracts; of two that share with each other, the earlier is built first.
 * @throws {Failure} what `buildAgent` throws
 */
export async function buildProject({ sources }: Project, nameModule: NameModule): Promise<BuiltProcess[]> {
  const commands = await Promise.all(sources.filter(source => source.kind === 'command').map(buildCommand))
  const agents = await buildAgents(
    sources.filter(source => source.kind === 'agent'),
    nameModule,
  )
  return [...commands, ...agents]
}

interface Draft {
  readonly source: AgentSource
  readonly built: BuiltAgent
}

async function buildAgents(sources: readonly AgentSource[], nameModule: NameModule): Promise<BuiltProcess[]> {
  const drafts: Draft[] = []
  for (const source of sources) drafts.push({ source, built: await buildAgent(source.entry, { args: source.args }) })
  const done = new Map<Draft, BuiltProcess>()
  const modules = new Map<Draft, string>()
  const finish = async (draft: Draft, above: ReadonlySet<Draft>): Promise<void> => {
    if (done.has(draft) || above.has(draft)) return
    const within = new Set([...above, draft])
    const children: Record<string, string> = {}
    for (const other of drafts.filter(one => one !== draft && sharesFiles(draft.built, one.built))) {
      await finish(other, within)
      const module = modules.get(other)
      if (module !== undefined) children[other.built.name] = module
    }
    const hasChildren = Object.keys(children).length > 0
    const built = hasChildren
      ? await buildAgent(draft.source.entry, { modules: children, args: draft.source.args })
      : draft.built
    const process = processOf(draft.source, built)
    done.set(draft, process)
    modules.set(draft, await nameModule(process))
  }
  for (const draft of drafts) await finish(draft, new Set())
  return drafts.map(draft => done.get(draft)).filter(process => process !== undefined)
}

/** Whether one knows a contract that the other keeps: they are made of a file that is nobody else's package. */
function sharesFiles(one: BuiltAgent, other: BuiltAgent): boolean {
  return other.inputs.some(
    file => one.inputs.includes(file) && !file.includes('node_modules') && file.includes('.contract.'),
  )
}

function processOf({ name, args }: AgentSource, built: BuiltAgent): BuiltProcess {
  const tag = name ?? built.name
  return {
    name: tag,
    format: AGENT_FORMAT,
    bytes: built.bytes,
    moduleTags: [
      { name: 'Name', value: built.name },
      { name: 'Version', value: built.version },
    ],
    spawnTags: [{ name: 'Name', value: tag }, JSON_TAG],
    spawnData: toUtf8(args === undefined ? '' : JSON.stringify(args)),
    app: undefined,
    argsProblem: built.argsProblem,
    inputs: built.inputs,
  }
}

async function buildCommand({ name, wasm, app, arguments: words, env }: CommandSource): Promise<BuiltProcess> {
  const program = app === undefined ? undefined : new Uint8Array(await readFile(app))
  return {
    name,
    format: COMMAND_FORMAT,
    bytes: new Uint8Array(await readFile(wasm)),
    moduleTags: [{ name: 'Name', value: basename(wasm) }],
    spawnTags: [
      { name: 'Name', value: name },
      { name: 'Command-Args', value: JSON.stringify(words) },
      ...(Object.keys(env).length === 0 ? [] : [{ name: 'Command-Env', value: JSON.stringify(env) }]),
      ...(app === undefined ? [] : [{ name: 'Command-App', value: `${APP_FOLDER}/${basename(app)}` }]),
    ],
    spawnData: program ?? new Uint8Array(0),
    app: program,
    argsProblem: undefined,
    inputs: app === undefined ? [wasm] : [wasm, app],
  }
}
