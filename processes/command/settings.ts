import { findTag, type ModuleDescription, type ProcessDescription, type Tag } from '../../protocol/index.ts'
import { isPathTooLong } from './files/file-tree.ts'

/** What tags say about how a program is run; those of the process come before those of the module. */
export interface CommandSettings {
  /** Arguments, the name of the program first. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Where the data of the spawn message goes, if it is not for the program to read. */
  readonly app: string | undefined
}

/** A tag does not have the form it must have; the text says which. */
export class BadSetting extends Error {
  override readonly name = 'BadSetting'
}

/** @throws {BadSetting} */
export function readSettings(
  module: Pick<ModuleDescription, 'tags'>,
  process?: Pick<ProcessDescription, 'tags'>,
): CommandSettings {
  const own = process?.tags ?? []
  const find = (name: string) => findTag(own, name) ?? findTag(module.tags, name)
  const app = find('Command-App')
  return {
    args: readArgs(find('Command-Args')),
    env: { ...readEnv(module.tags), ...readEnv(own) },
    app: app === undefined ? undefined : readApp(app),
  }
}

function readArgs(text: string | undefined): readonly string[] {
  if (text === undefined) return ['command']
  const list = parse('Command-Args', text)
  if (Array.isArray(list) && list.length > 0 && list.every(isPlainText)) return list
  throw new BadSetting('Command-Args is a JSON array of texts, the name of the program first')
}

function readEnv(tags: readonly Tag[]): Readonly<Record<string, string>> {
  const text = findTag(tags, 'Command-Env')
  if (text === undefined) return {}
  const env = parse('Command-Env', text)
  const isObject = typeof env === 'object' && env !== null && !Array.isArray(env)
  const entries = isObject ? Object.entries(env) : []
  const isWell = entries.every(([name, value]) => /^[^=\0]+$/.test(name) && isPlainText(value))
  if (isObject && isWell) return Object.fromEntries(entries) as Record<string, string>
  throw new BadSetting('Command-Env is a JSON object of texts')
}

/** An absolute path without `.` and `..`. */
export function readApp(path: string): string {
  const parts = path.split('/').slice(1)
  const isWell =
    path.startsWith('/') && !path.includes('\0') && parts.every(part => part !== '' && part !== '.' && part !== '..')
  if (isWell && !isPathTooLong(path.slice(1))) return path
  throw new BadSetting('Command-App is an absolute path')
}

function parse(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new BadSetting(`${name} is not JSON`, { cause })
  }
}

const isPlainText = (value: unknown): value is string =>
  typeof value === 'string' && !value.includes('\0') && value.isWellFormed()
