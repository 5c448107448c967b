import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { AGENT_FORMAT, type Tag, toUtf8 } from '../protocol/index.ts'
import { type BuiltAgent, buildAgent, isContractFile } from './build-agent.ts'
import { type AgentSource, APP_FOLDER, type CommandSource, type Project } from './project.ts'

/** A module to be signed. */
export interface BuiltModule {
  readonly format: string
  readonly bytes: Uint8Array
  /** Tags of the module's item, besides its format. */
  readonly moduleTags: readonly Tag[]
}

/** A module to be signed, and the process that is made of it. */
export interface BuiltProcess extends BuiltModule {
  /** Its Name tag. */
  readonly name: string
  /** The modules that it may spawn, and those that these may: a node must have them too. */
  readonly children: readonly BuiltModule[]
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
export type NameModule = (built: BuiltModule) => Promise<string>

const JSON_TAG: Tag = { name: 'Content-Type', value: 'application/json' }
/** The Module-Format of WASI programs. */
const COMMAND_FORMAT = 'command'

/**
 * Builds all processes of a project. Agents that know the contracts of others, of the project or around it, are told their
 * modules, so that `ctx.spawn` finds them; of two that know each other, the later finds the earlier as one that finds none.
 * @throws {Failure} what `buildAgent` throws
 */
export async function buildProject({ sources, around }: Project, nameModule: NameModule): Promise<BuiltProcess[]> {
  const commands = await Promise.all(sources.filter(source => source.kind === 'command').map(buildCommand))
  const agents = sources.filter(source => source.kind === 'agent')
  return [...commands, ...(await buildAgents(agents, around, nameModule))]
}

interface Draft {
  readonly source: AgentSource
  readonly built: BuiltAgent
}

async function buildAgents(
  sources: readonly AgentSource[],
  around: Project['around'],
  nameModule: NameModule,
): Promise<BuiltProcess[]> {
  const own = await draftsOf(sources)
  const drafts = own.some(({ built }) => knowsOthers(built)) ? [...own, ...(await draftsOf(await around()))] : own
  const done = new Map<Draft, BuiltProcess>()
  const finish = async (draft: Draft, above: ReadonlySet<Draft>): Promise<BuiltProcess> => {
    const known = done.get(draft)
    if (known !== undefined) return known
    if (above.has(draft)) return processOf(draft, draft.built, [])
    const within = new Set([...above, draft])
    const modules: Record<string, string> = {}
    const children: BuiltProcess[] = []
    for (const other of drafts.filter(one => knows(draft.built, one.built))) {
      const child = await finish(other, within)
      modules[other.built.name] = await nameModule(child)
      children.push(child)
    }
    const { entry, args } = draft.source
    const built = children.length > 0 ? await buildAgent(entry, { modules, args }) : draft.built
    const process = processOf(draft, built, children)
    done.set(draft, process)
    return process
  }
  const processes: BuiltProcess[] = []
  for (const draft of own) processes.push(await finish(draft, new Set()))
  return processes
}

async function draftsOf(sources: readonly AgentSource[]): Promise<Draft[]> {
  const drafts: Draft[] = []
  for (const source of sources) drafts.push({ source, built: await buildAgent(source.entry, { args: source.args }) })
  return drafts
}

/** Whether it knows any contract beside its own. */
function knowsOthers({ inputs, contractFiles }: BuiltAgent): boolean {
  return inputs.some(file => isContractFile(file) && !contractFiles.includes(file))
}

/** Whether one knows the contract that the other keeps: it is made of the file that has it, too. */
function knows(one: BuiltAgent, other: BuiltAgent): boolean {
  return one.name !== other.name && other.contractFiles.some(file => one.inputs.includes(file))
}

function processOf({ source }: Draft, built: BuiltAgent, children: readonly BuiltProcess[]): BuiltProcess {
  const { name, args } = source
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
    children: children.flatMap(child => [...child.children, child]),
    inputs: [...built.inputs, ...children.flatMap(child => child.inputs)],
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
    children: [],
    inputs: app === undefined ? [wasm] : [wasm, app],
  }
}
