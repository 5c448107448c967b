import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { Failure } from '../../protocol/index.ts'
import type { Flags } from '../command.ts'
import { parseDuration } from './duration.ts'
import { type OutputFormat, parseOutputFormat } from '../showing/output.ts'

/** Where the value of a setting came from. */
export type SettingOrigin = 'flag' | 'environment' | 'file' | 'default'

/** A setting as `atoll doctor` shows it. */
export interface ShownSetting {
  readonly name: string
  readonly value: unknown
  readonly origin: SettingOrigin
  readonly about: string
}

/** What every command that talks to a node goes by. */
export interface ClientSettings {
  readonly home: string
  readonly url: string
  readonly output: OutputFormat
  /** Name of the identity that signs; the default one, if none was chosen. */
  readonly identity: string
  /** Undefined: each call's own limit. */
  readonly timeoutMs: number | undefined
  readonly shown: readonly ShownSetting[]
}

/** The name of the identity that is made on first use. */
export const DEFAULT_IDENTITY = 'default'
/** File of settings in the home folder; `atoll identity use` writes it. */
export const SETTINGS_FILE = 'config.json'

const DEFAULT_PORT = 7333
const KNOWN_IN_FILE: readonly string[] = ['url', 'output', 'identity', 'timeout']

interface Sources {
  readonly flags: Flags
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

/** Reads the settings: flag, then `ATOLL_*`, then the file in the home folder, then the default. @throws {Failure} `bad-config`, `usage` */
export async function readSettings({ flags, env, cwd }: Sources): Promise<ClientSettings> {
  const home = homeFolder(env, cwd)
  const file = await readSettingsFile(home.value)
  const shown: ShownSetting[] = [{ name: 'home', ...home, about: 'folder of identities and settings' }]
  const pick = (name: string, fallback: string | [string, SettingOrigin], about: string): string => {
    const found = pickValue(name, flags, env, file)
    const [value, origin] = found ?? (typeof fallback === 'string' ? [fallback, 'default'] : fallback)
    shown.push({ name, value, origin, about })
    return value
  }
  const url = checkUrl(pick('url', defaultUrl(env), 'node that commands talk to'))
  const output = parseOutputFormat(pick('output', 'text', 'form of standard output'))
  const identity = pick('identity', DEFAULT_IDENTITY, 'who signs')
  const timeout = pick('timeout', '', 'longest wait of a command; empty: each call has its own')
  return {
    home: home.value,
    url,
    output,
    identity,
    timeoutMs: timeout === '' ? undefined : parseDuration(timeout),
    shown,
  }
}

/** The folder of identities and settings of this user. */
function homeFolder(env: Sources['env'], cwd: string): { value: string; origin: SettingOrigin } {
  const given = env['ATOLL_HOME']
  if (given !== undefined && given !== '') return { value: resolve(cwd, given), origin: 'environment' }
  const base = env['XDG_CONFIG_HOME']
  const folder = base !== undefined && base !== '' ? base : join(env['HOME'] ?? homedir(), '.config')
  return { value: join(folder, 'atoll'), origin: 'default' }
}

const PORT_MAX = 65_535

/** Who sets another port for the node means that node here too. */
function defaultUrl(env: Sources['env']): [string, SettingOrigin] {
  const port = Number(env['ATOLL_PORT'])
  const isSet = Number.isInteger(port) && port > 0 && port <= PORT_MAX
  return [`http://127.0.0.1:${isSet ? port : DEFAULT_PORT}`, isSet ? 'environment' : 'default']
}

function pickValue(
  name: string,
  flags: Flags,
  env: Sources['env'],
  file: Readonly<Record<string, string>>,
): [string, SettingOrigin] | undefined {
  const flag = flags[name]
  if (typeof flag === 'string') return [flag, 'flag']
  const variable = env[`ATOLL_${name.toUpperCase()}`]
  if (variable !== undefined && variable !== '') return [variable, 'environment']
  const entry = file[name]
  return entry === undefined ? undefined : [entry, 'file']
}

/** Reads the settings file of a home folder; an absent one is empty. @throws {Failure} `bad-config` */
export async function readSettingsFile(home: string): Promise<Readonly<Record<string, string>>> {
  const path = join(home, SETTINGS_FILE)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw new Failure('bad-config', { file: path }, { cause: error })
  }
  const parsed = parseObject(text, path)
  const wrong = Object.entries(parsed).filter(
    ([name, value]) => !KNOWN_IN_FILE.includes(name) || typeof value !== 'string',
  )
  if (wrong.length > 0)
    throw new Failure(
      'bad-config',
      { file: path, names: wrong.map(([name]) => name) },
      { note: 'no such setting, or no text' },
    )
  return parsed as Record<string, string>
}

function parseObject(text: string, path: string): object {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed
  } catch (cause) {
    throw new Failure('bad-config', { file: path }, { cause })
  }
  throw new Failure('bad-config', { file: path }, { note: 'expected a JSON object' })
}

function checkUrl(text: string): string {
  if (URL.canParse(text) && /^https?:/.test(text)) return text
  throw new Failure('bad-config', { url: text }, { note: 'expected an address such as http://127.0.0.1:7333' })
}
