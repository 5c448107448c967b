import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { z } from 'zod'
import { Failure } from '../protocol/index.ts'

/** A process of a project that is written in TypeScript. */
export interface AgentSource {
  readonly kind: 'agent'
  /** Its Name tag; that of its contract, if the project names none. */
  readonly name: string | undefined
  /** The `.process.ts` file, absolute. */
  readonly entry: string
  /** What it is spawned with. */
  readonly args: unknown
}

/** A process of a project that is a WASI program, with the author's own program in it. */
export interface CommandSource {
  readonly kind: 'command'
  readonly name: string
  /** The WASM file, absolute. */
  readonly wasm: string
  /** The file that is put at `/app/<its name>`, absolute; nothing, if the WASM is all there is. */
  readonly app: string | undefined
  readonly arguments: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export type ProcessSource = AgentSource | CommandSource

/** The processes that somebody writes in a folder. */
export interface Project {
  readonly folder: string
  readonly sources: readonly ProcessSource[]
  /** Agents that are not of it, but whose modules its own may spawn. */
  readonly around: () => Promise<readonly AgentSource[]>
}

const AgentSettings = z.strictObject({ entry: z.string(), args: z.unknown().optional() })
const CommandSettings = z.strictObject({
  command: z.string(),
  app: z.string().optional(),
  arguments: z.array(z.string()).optional(),
  env: z.record(z.string(), z.string()).optional(),
})
const ProjectSettings = z.strictObject({
  processes: z.record(z.string().min(1).max(64), z.union([AgentSettings, CommandSettings])),
})

/** What a file must be called to be a process without being named. */
const ENTRY = /\.process\.[mc]?[jt]sx?$/
const SKIPPED: ReadonlySet<string> = new Set(['node_modules', 'dist', 'build', 'coverage'])
const DEPTH_MAX = 8
/** The folder that a command's program is seen in. */
export const APP_FOLDER = '/app'

/**
 * Reads the project in a folder: the processes that `atoll.processes` in its package.json names, else every
 * `*.process.ts` below it, but for folders that are packages themselves. A path to one such file is a project of that process alone,
 * among the agents of the package that it stands in, or of its folder where that is of none.
 * @throws {Failure} `bad-config`, `no-processes`
 */
export async function readProject(path: string): Promise<Project> {
  const place = resolve(path)
  if (ENTRY.test(basename(place)))
    return { folder: dirname(place), sources: [agentSource(place)], around: () => agentsAround(place) }
  const settings = await readSettings(place)
  if (settings !== undefined) return projectOf(place, namedSources(place, settings))
  const { entries, projects } = await findEntries(place, DEPTH_MAX)
  return projectOf(place, entries.map(agentSource), projects)
}

function projectOf(folder: string, sources: readonly ProcessSource[], below: readonly string[] = []): Project {
  if (sources.length > 0) return { folder, sources, around: async () => [] }
  if (below.length === 0) throw new Failure('no-processes', { folder })
  const projects = below.map(path => shownFile(folder, path))
  throw new Failure('no-processes', { folder, projects }, { note: 'projects of their own stand below it: name one' })
}

async function agentsAround(file: string): Promise<AgentSource[]> {
  const folder = packageAround(dirname(file))
  const named = folder === undefined ? undefined : await readSettings(folder)
  const entries =
    folder === undefined || named === undefined
      ? (await findEntries(folder ?? dirname(file), folder === undefined ? 0 : DEPTH_MAX)).entries
      : Object.values(named.processes).flatMap(source => ('entry' in source ? [resolve(folder, source.entry)] : []))
  return [...new Set(entries)].filter(entry => entry !== file).map(agentSource)
}

/** The nearest folder that is a package, from here upwards. */
function packageAround(folder: string): string | undefined {
  if (existsSync(join(folder, 'package.json'))) return folder
  return dirname(folder) === folder ? undefined : packageAround(dirname(folder))
}

const agentSource = (entry: string): AgentSource => ({ kind: 'agent', name: undefined, entry, args: undefined })

async function readSettings(folder: string): Promise<z.infer<typeof ProjectSettings> | undefined> {
  const file = join(folder, 'package.json')
  if (!existsSync(file)) return undefined
  const { atoll } = parsePackage(await readFile(file, 'utf8'), file)
  if (atoll === undefined) return undefined
  const parsed = ProjectSettings.safeParse(atoll)
  if (parsed.success) return parsed.data
  throw new Failure('bad-config', { file: 'package.json', key: 'atoll' }, { note: z.prettifyError(parsed.error) })
}

function parsePackage(text: string, file: string): { readonly atoll?: unknown } {
  try {
    return JSON.parse(text) as { readonly atoll?: unknown }
  } catch (cause) {
    throw new Failure('bad-config', { file: basename(file) }, { cause, note: 'it is not JSON' })
  }
}

function namedSources(folder: string, { processes }: z.infer<typeof ProjectSettings>): ProcessSource[] {
  return Object.entries(processes).map(([name, source]) => {
    if ('entry' in source) return { kind: 'agent', name, entry: resolve(folder, source.entry), args: source.args }
    const app = source.app === undefined ? undefined : resolve(folder, source.app)
    return {
      kind: 'command',
      name,
      wasm: findProgram(folder, source.command),
      app,
      arguments: source.arguments ?? [name, ...(app === undefined ? [] : [`${APP_FOLDER}/${basename(app)}`])],
      env: source.env ?? {},
    }
  })
}

/** A path from the folder, or a file of a package that the folder can see. @throws {Failure} `bad-config` */
function findProgram(folder: string, name: string): string {
  const here = resolve(folder, name)
  if (existsSync(here)) return here
  for (const from of [join(folder, 'package.json'), import.meta.filename]) {
    for (const place of createRequire(from).resolve.paths(name) ?? []) {
      if (existsSync(join(place, name))) return join(place, name)
    }
  }
  throw new Failure('bad-config', { command: name }, { note: 'there is no such file, here or in a package' })
}

/** Files that are processes, and folders that are projects of their own, in order of their paths. */
async function findEntries(folder: string, depth: number): Promise<{ entries: string[]; projects: string[] }> {
  const present = await readdir(folder, { withFileTypes: true }).catch(cause => {
    throw new Failure('bad-file', { folder }, { cause })
  })
  const [entries, projects]: [string[], string[]] = [[], []]
  for (const entry of present.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (entry.isFile() && ENTRY.test(entry.name)) entries.push(path)
    const isEntered = entry.isDirectory() && depth > 0 && !entry.name.startsWith('.') && !SKIPPED.has(entry.name)
    if (!isEntered) continue
    if (existsSync(join(path, 'package.json'))) projects.push(path)
    else {
      const below = await findEntries(path, depth - 1)
      entries.push(...below.entries)
      projects.push(...below.projects)
    }
  }
  return { entries, projects }
}

/** A path as people see it. */
export const shownFile = (folder: string, file: string): string => relative(folder, file).replaceAll('\\', '/') || '.'
