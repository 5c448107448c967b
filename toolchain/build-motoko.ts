import type { Dirent } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { Failure } from '../protocol/index.ts'

/** What Motoko makes of a program. */
export interface BuiltMotoko {
  readonly wasm: Uint8Array
  /** The interface in Candid. */
  readonly candid: string
  readonly warnings: readonly string[]
}

interface Diagnostic {
  readonly message: string
  readonly severity: number
  readonly source: string
  readonly range: { readonly start: { readonly line: number; readonly character: number } }
}

/** The compiler as its package offers it. */
interface Compiler {
  clearPackages(): void
  loadPackage(text: unknown): void
  usePackage(name: string, directory: string): void
  setPublicMetadata(names: readonly string[]): void
  write(path: string, content: string): void
  candid(path: string): string
  check(path: string): readonly Diagnostic[]
  wasm(path: string, target: 'ic'): { readonly wasm: Uint8Array }
}

const FILES_MAX = 1000
const CORE = 'core'
const FILE_MAX_BYTES = 4 * 1024 * 1024
const ERROR = 1
/** Folders in which tools keep packages: `node_modules`, `.mops`, `.vessel`. */
const NOT_OF_PROGRAM = /(?:^|\/)(?:node_modules|\.[^/]*)\//
/** As the compiler says it of `mo:base`, which its package brings no more, and of all others. */
const NO_PACKAGE = /^package "([^"]*)" not defined$/

/**
 * Compiles a Motoko program, with the files of its folder that it imports, the library `mo:core`, and packages: their folders of
 * sources, by name. Its Candid is public. The compiler is the package `motoko`, which is brought along only where it is wanted.
 * @throws {Failure} `bad-program` with the place, `not-found`, `bad-config` without the compiler
 */
export async function buildMotoko(
  path: string,
  packages: ReadonlyMap<string, string> = new Map(),
): Promise<BuiltMotoko> {
  const main = resolve(path)
  const compiler = openCompiler(packages.has(CORE))
  for (const [name, text] of await sourcesBelow(dirname(main))) compiler.write(name, text)
  for (const [name, folder] of packages) await addPackage(compiler, name, folder)
  const name = posixOf(relative(dirname(main), main))
  const found = compiler.check(name)
  const wrong = found.find(({ severity }) => severity === ERROR)
  if (wrong !== undefined) {
    const [, missing] = NO_PACKAGE.exec(wrong.message) ?? []
    const note =
      missing === undefined
        ? wrong.message
        : `${wrong.message}: mo:core alone comes along, others by --package ${missing}=<folder of its sources>`
    throw new Failure('bad-program', { place: placeOf(wrong) }, { note })
  }
  const { wasm } = compiler.wasm(name, 'ic')
  return {
    wasm: new Uint8Array(wasm),
    candid: compiler.candid(name),
    warnings: found.map(one => `${placeOf(one)}: ${one.message}`),
  }
}

function openCompiler(isCoreGiven: boolean): Compiler {
  const load = createRequire(import.meta.url)
  try {
    const compiler = load('motoko') as Compiler
    compiler.clearPackages()
    if (!isCoreGiven) compiler.loadPackage(load('motoko/packages/latest/core.json'))
    compiler.setPublicMetadata(['candid:service', 'candid:args'])
    return compiler
  } catch (cause) {
    throw new Failure(
      'bad-config',
      { package: 'motoko' },
      { cause, note: 'the compiler of Motoko is not installed: npm install motoko' },
    )
  }
}

async function addPackage(compiler: Compiler, name: string, folder: string): Promise<void> {
  const directory = `.packages/${name}`
  for (const [file, text] of await sourcesBelow(folder)) compiler.write(`${directory}/${file}`, text)
  compiler.usePackage(name, directory)
}

async function sourcesBelow(folder: string): Promise<(readonly [name: string, text: string])[]> {
  const sources: (readonly [string, string])[] = []
  for (const entry of await entriesOf(folder)) {
    const path = join(entry.parentPath, entry.name)
    const name = posixOf(relative(folder, path))
    if (!entry.isFile() || !name.endsWith('.mo') || NOT_OF_PROGRAM.test(name)) continue
    if (sources.length >= FILES_MAX || (await stat(path)).size > FILE_MAX_BYTES)
      throw new Failure('too-large', { path })
    sources.push([name, await readFile(path, 'utf8')])
  }
  return sources
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { recursive: true, withFileTypes: true })
  } catch (cause) {
    throw new Failure('not-found', { path: folder }, { cause })
  }
}

const posixOf = (path: string): string => path.replaceAll(sep, '/')

const placeOf = ({ source, range: { start } }: Diagnostic): string =>
  `${source}:${start.line + 1}:${start.character + 1}`
