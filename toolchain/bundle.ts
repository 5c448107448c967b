import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodedMappings, encodedMap, TraceMap } from '@jridgewell/trace-mapping'
import { build, type BuildFailure, type Loader, type Message, type Plugin } from 'esbuild'
import { Failure } from '../protocol/index.ts'

/** A bundled program: one script, and where its places stand in the author's files. */
export interface Bundle {
  readonly code: string
  readonly map: SourceMap
  /** Files that went into it, for whoever watches them. */
  readonly inputs: readonly string[]
}

export interface SourceMap {
  readonly version: 3
  readonly sources: readonly string[]
  readonly names: readonly string[]
  readonly mappings: string
}

/** Where this package lies: what programs import of it is no file of theirs. */
const OWN_FOLDER = fileURLToPath(new URL('../contract/', import.meta.url))
/** Where packages are looked for that the author has not installed: a schema library comes with Atoll. */
const OWN_PACKAGES = createRequire(import.meta.url).resolve.paths('zod') ?? []
const LOADERS: Readonly<Record<string, Loader>> = { ts: 'ts', mts: 'ts', tsx: 'tsx', jsx: 'jsx' }

/**
 * Bundles what `program` says (a module's source that imports `entryFile`) into one ES2023 script.
 * The same sources give the same bytes, wherever they lie.
 * @throws {Failure} `bad-program` with file, line and column
 */
export async function bundle(
  entryFile: string,
  program: string,
  options: { readonly globalName?: string; readonly footer?: string } = {},
): Promise<Bundle> {
  const folder = dirname(resolve(entryFile))
  try {
    const { outputFiles, metafile } = await build({
      stdin: { contents: program, resolveDir: folder, sourcefile: 'atoll:entry', loader: 'ts' },
      absWorkingDir: folder,
      outdir: folder,
      bundle: true,
      write: false,
      metafile: true,
      format: 'iife',
      target: 'es2023',
      platform: 'neutral',
      mainFields: ['module', 'main'],
      conditions: ['module', 'import', 'default'],
      nodePaths: OWN_PACKAGES,
      define: { 'process.env.NODE_ENV': '"production"' },
      treeShaking: true,
      charset: 'utf8',
      minifySyntax: true,
      minifyWhitespace: true,
      keepNames: false,
      legalComments: 'none',
      sourcemap: 'external',
      sourcesContent: false,
      logLevel: 'silent',
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
      plugins: [ownPackage(), namespaces()],
      ...(options.globalName !== undefined && { globalName: options.globalName }),
      ...(options.footer !== undefined && { footer: { js: options.footer } }),
    })
    const text = (ending: string): string =>
      outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? ''
    const inputs = Object.keys(metafile.inputs).filter(path => !path.includes(':'))
    return {
      code: text('.js'),
      map: readMap(text('.map'), folder),
      inputs: inputs.map(path => resolve(folder, path)),
    }
  } catch (error) {
    throw whyFailed(error, entryFile, folder)
  }
}

/** `atoll/…` in a program means the package this file belongs to, in a clone as in an installed package. */
function ownPackage(): Plugin {
  const isSource = import.meta.url.endsWith('.ts')
  const places: Readonly<Record<string, string>> = {
    'atoll/contract': '../contract/index',
  }
  return {
    name: 'atoll',
    setup(within) {
      within.onResolve({ filter: /^atoll\// }, ({ path }) => {
        const place = places[path]
        if (place === undefined)
          return {
            errors: [{ text: `"${path}" does not run inside a process; "atoll/contract" does` }],
          }
        return {
          path: fileURLToPath(new URL(`${place}${isSource ? '.ts' : '.js'}`, import.meta.url)),
        }
      })
      within.onResolve({ filter: /^node:/ }, ({ path }) => ({
        errors: [{ text: `"${path}" is not available in a process: it runs without Node` }],
      }))
    },
  }
}

function namespaces(): Plugin {
  return {
    name: 'namespaces',
    setup(within) {
      within.onLoad({ filter: /\.[cm]?tsx?$/ }, async ({ path }) => {
        if (path.includes('node_modules')) return undefined
        const ending = path.slice(path.lastIndexOf('.') + 1)
        return {
          contents: wholeNamespace(await readFile(path, 'utf8')),
          loader: LOADERS[ending] ?? 'ts',
        }
      })
    },
  }
}

/**
 * zod's `z` is all of zod as one object, of which nothing can be left out; as a namespace it is the same, and what is
 * not used goes: a tenth of the code is left. Same length, so that places stay what they are.
 */
function wholeNamespace(source: string): string {
  return source.replace(/\bimport \{ z \} from (['"])zod\1/g, 'import * as z from $1zod$1')
}

/**
 * The map of a bundle, of the author's own files only: frames in packages are nobody's to correct, and their places are
 * most of a map. Sources have the shortest name that tells them, never a place on this machine.
 */
function readMap(text: string, folder: string): SourceMap {
  const map = new TraceMap(text)
  const names = map.sources.map(source => nameOf(resolve(folder, source ?? ''), folder))
  const kept = names.flatMap((name, index) => (name === undefined ? [] : [index]))
  const places = new Map(kept.map((index, place) => [index, place]))
  const mappings = decodedMappings(map).map(line => onlyOwn(line, places))
  const sources = kept.map(index => names[index] ?? '')
  const own = encodedMap(new TraceMap({ version: 3, sources, names: [], mappings }))
  return { version: 3, sources, names: [], mappings: own.mappings }
}

type Segments = ReturnType<typeof decodedMappings>[number]

/** Segments of a line that lie in kept sources; where others begin, one that lies nowhere. */
function onlyOwn(line: Segments, places: ReadonlyMap<number, number>): Segments[number][] {
  const segments: Segments[number][] = []
  for (const segment of line) {
    const place = segment.length === 1 ? undefined : places.get(segment[1])
    if (place !== undefined && segment.length !== 1)
      segments.push([segment[0], place, segment[2], segment[3]])
    else if (segments.at(-1)?.length !== 1) segments.push([segment[0]])
  }
  return segments
}

/** What a file is called for its author; nothing if it is not the author's. */
function nameOf(path: string, folder: string): string | undefined {
  if (
    path.includes(`${sep}node_modules${sep}`) ||
    path.startsWith(OWN_FOLDER) ||
    path.includes('atoll:entry')
  )
    return undefined
  return relative(folder, path)
    .split(sep)
    .join('/')
    .replace(/^(?:\.\.\/)+/, '')
}

function whyFailed(error: unknown, entryFile: string, folder: string): unknown {
  const { errors } = error as Partial<BuildFailure>
  const [first] = errors ?? []
  if (first === undefined) return error
  return new Failure('bad-program', placeOf(first, entryFile, folder), { note: noteOf(first) })
}

function placeOf(
  { location }: Message,
  entryFile: string,
  folder: string,
): Record<string, string | number> {
  if (location === null) return { file: basename(entryFile) }
  const file = location.file.split(sep).join('/')
  if (file === 'atoll:entry') return { file: basename(entryFile) }
  return {
    file: nameOf(resolve(folder, file), folder) ?? file.slice(file.lastIndexOf('node_modules/')),
    line: location.line,
    column: location.column + 1,
  }
}

function noteOf({ text, location, notes }: Message): string {
  if (location?.file === 'atoll:entry' && text.includes('No matching export'))
    return 'it has no default export: that is what Contract.implement({ … }) gives'
  if (text.startsWith('Could not resolve')) return `${text}: is it installed, and is its name right?`
  const [hint] = notes ?? []
  return hint === undefined || hint.text === '' ? text : `${text}; ${hint.text}`
}
