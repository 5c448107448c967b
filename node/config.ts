// biome-ignore-all format: a table reads by its rows
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { z } from 'zod'
import { Failure } from '../protocol/index.ts'
import { UNIT_NAMES, type UnitName } from './unit-roles.ts'

/** Every setting of a node: its shape, its default, what it is for. */
const SETTINGS = {
  data: { schema: z.string().min(1), value: './.atoll', about: 'folder of feeds, state and keys' },
  host: { schema: z.string().min(1), value: '127.0.0.1', about: 'address to listen on' },
  port: { schema: z.coerce.number().int().min(0).max(65_535), value: 7333, about: 'port to listen on; 0 takes any' },
  allowedHosts: { schema: list(), value: [] as string[], about: 'names this node is reached by, beside loopback' },
  publicUrl: { schema: z.url().optional(), value: undefined, about: 'address that clients are told' },
  icRootSeed: { schema: z.string().min(1).optional(), value: undefined, about: 'file with the seed of a root key that clients of the IC trust (64 hex digits, 0600)' },
  units: { schema: unitNames(), value: [...UNIT_NAMES] as UnitName[], about: 'what this node runs, of messenger, scheduler, compute' },
  listen: { schema: list(), value: [] as string[], about: 'addresses at which peers reach this node; a port alone is one of loopback' },
  peer: { schema: list(), value: [] as string[], about: 'addresses of nodes to keep a connection to' },
  bootstrap: { schema: list(), value: [] as string[], about: 'addresses, with peer ids, of nodes that are asked for others' },
  mdns: { schema: z.union([z.boolean(), z.stringbool()]), value: false, about: 'nodes of the local network find each other' },
  dht: { schema: z.union([z.boolean(), z.stringbool()]), value: false, about: 'take part in the distributed table of who is where' },
  relay: { schema: z.union([z.boolean(), z.stringbool()]), value: false, about: 'carry connections of nodes that cannot be reached' },
  hosts: { schema: z.coerce.number().int().min(1).max(64).optional(), value: undefined, about: 'child processes that evaluate' },
  residentBytes: { schema: z.coerce.number().int().min(1_000_000).optional(), value: undefined, about: 'bytes of guests kept loaded' },
  signerRate: { schema: z.coerce.number().positive().optional(), value: undefined, about: 'messages a signer may send a second' },
  spotChecks: { schema: z.coerce.number().min(0).max(1), value: 0.01, about: 'part of the frames evaluated elsewhere that are evaluated here too, and compared' },
  wasmer: {
    schema: z.union([z.boolean(), z.stringbool()]),
    value: false,
    about: 'programs may ask to run through Wasmer, in workers of compute hosts',
  },
  acceptRestored: {
    schema: z.union([z.boolean(), z.stringbool()]),
    value: false,
    about: 'the data folder is a copy, and no other copy was written to since',
  },
  effectsHttp: { schema: list(), value: [] as string[], about: 'hosts that processes may reach with http.fetch: [scheme://]host[:port], *.host, *' },
  effectsFor: { schema: list(), value: ['*'] as string[], about: 'owners and processes that effects are performed for' },
  llmUrl: { schema: z.url().optional(), value: undefined, about: 'OpenAI-compatible API for llm.generate, such as http://127.0.0.1:11434/v1' },
  llmModel: { schema: z.string().min(1).optional(), value: undefined, about: 'the model asked when a process names none' },
  llmModels: { schema: list(), value: [] as string[], about: 'models that a process may name, beside that one' },
  llmKeyFile: { schema: z.string().min(1).optional(), value: undefined, about: 'file with the key of that API, for its owner alone (0600)' },
  llmMaxTokens: { schema: z.coerce.number().int().min(1).optional(), value: undefined, about: 'tokens one answer of the model may have' },
  logLevel: { schema: z.enum(['silent', 'error', 'warn', 'info', 'debug']), value: 'warn', about: 'how much is logged' },
} as const

type Settings = typeof SETTINGS
export type SettingName = keyof Settings
export type Config = { readonly [Name in SettingName]: z.infer<Settings[Name]['schema']> }

/** Where a value came from. */
export type Origin = 'flag' | 'environment' | 'file' | 'default'

/** A setting as `atoll doctor` shows it. */
export interface Setting {
  readonly name: SettingName
  readonly value: unknown
  readonly origin: Origin
  readonly about: string
}

export interface LoadedConfig {
  readonly config: Config
  readonly settings: readonly Setting[]
}

export interface ConfigSources {
  readonly flags?: Readonly<Record<string, unknown>> | undefined
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  readonly cwd?: string | undefined
}

/** Name of the file of settings, in the working folder. */
export const CONFIG_FILE = 'atoll.config.json'

/**
 * Reads all settings: flag, then environment (`ATOLL_PORT`, `ATOLL_ALLOWED_HOSTS`, …), then file, then default.
 * @throws {Failure} `bad-config`
 */
export async function loadConfig({ flags = {}, env = {}, cwd = process.cwd() }: ConfigSources): Promise<LoadedConfig> {
  const file = await readConfigFile(resolve(cwd, CONFIG_FILE))
  const settings: Setting[] = []
  for (const [name, row] of Object.entries(SETTINGS)) {
    const [value, origin] = pick(name, flags, env, file, row.value)
    const parsed = row.schema.safeParse(value)
    if (!parsed.success) {
      const reason = parsed.error.issues.map(({ message }) => message).join('; ')
      throw new Failure('bad-config', { setting: name, origin, value: String(value) }, { note: reason })
    }
    settings.push({ name: name as SettingName, value: parsed.data, origin, about: row.about })
  }
  const config = Object.fromEntries(settings.map(({ name, value }) => [name, value])) as Config
  return { config: { ...config, data: resolve(cwd, config.data) }, settings }
}

function pick(
  name: string,
  flags: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
  file: Readonly<Record<string, unknown>>,
  fallback: unknown,
): [unknown, Origin] {
  const fromEnv = env[`ATOLL_${name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`]
  if (flags[name] !== undefined) return [flags[name], 'flag']
  if (fromEnv !== undefined && fromEnv !== '') return [fromEnv, 'environment']
  if (file[name] !== undefined) return [file[name], 'file']
  return [fallback, 'default']
}

async function readConfigFile(path: string): Promise<Readonly<Record<string, unknown>>> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch {
    return {}
  }
  const parsed = z.record(z.string(), z.unknown()).safeParse(parseJson(text, path))
  if (!parsed.success) throw new Failure('bad-config', { file: path }, { note: 'expected a JSON object' })
  const unknown = Object.keys(parsed.data).filter(name => !(name in SETTINGS))
  if (unknown.length > 0) throw new Failure('bad-config', { file: path, unknown }, { note: 'no such setting' })
  return parsed.data
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Failure('bad-config', { file: path }, { cause: error })
  }
}

function list(): z.ZodType<string[]> {
  return z.preprocess(commaSeparated, z.array(z.string()))
}

function commaSeparated(value: unknown): unknown {
  return typeof value === 'string' ? value.split(',').map(part => part.trim()).filter(part => part !== '') : value
}

function unitNames(): z.ZodType<UnitName[]> {
  return list().pipe(z.array(z.enum(UNIT_NAMES)).min(1)) as unknown as z.ZodType<UnitName[]>
}
