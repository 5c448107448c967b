import { readFile } from 'node:fs/promises'
import { basename, dirname, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
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

/** Frames in packages are nobody's own: an empty map keeps the bundle's small. */
const EMPTY_MAP =
  '\n//# sourceMappingURL=data:application/json;base64,eyJ2ZXJzaW9uIjozLCJzb3VyY2VzIjpbIiJdLCJtYXBwaW5ncyI6IkEifQ=='
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
      plugins: [ownPackage(), packages()],
      ...(options.globalName !== undefined && { globalName: options.globalName }),
      ...(options.footer !== undefined && { footer: { js: options.footer } }),
    })
    const text = (ending: string): string =>
      outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? ''
    const inputs = Object.keys(metafile.inputs).filter(path => !path.includes(':'))
    return {
      code: text('.js'),
      map: readMap(text('.map')),
      inputs: inputs.map(path => resolve(folder, path)),
    }
  } catch (error) {
    throw whyFailed(error, entryFile)
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

function packages(): Plugin {
  return {
    name: 'packages',
    setup(within) {
      within.onLoad(
        { filter: /[\\/]node_modules[\\/].*\.(?:[cm]?[jt]s|[jt]sx)$/ },
        async ({ path }) => {
          const ending = path.slice(path.lastIndexOf('.') + 1)
          return {
            contents: (await readFile(path, 'utf8')) + EMPTY_MAP,
            loader: LOADERS[ending] ?? 'js',
          }
        },
      )
    },
  }
}

/** Sources by the shortest name that tells them: never a place on this machine. */
function readMap(text: string): SourceMap {
  const { sources, names, mappings } = JSON.parse(text) as SourceMap
  return {
    version: 3,
    sources: sources.map(shortName),
    names: names.length === 0 ? [] : names,
    mappings,
  }
}

function shortName(source: string): string {
  const at = source.lastIndexOf('node_modules/')
  return at >= 0 ? source.slice(at) : source.replace(/^(?:\.\.\/)+/, '')
}

function whyFailed(error: unknown, entryFile: string): unknown {
  const { errors } = error as Partial<BuildFailure>
  const [first] = errors ?? []
  if (first === undefined) return error
  return new Failure('bad-program', placeOf(first, entryFile), { note: noteOf(first) })
}

function placeOf({ location }: Message, entryFile: string): Record<string, string | number> {
  if (location === null) return { file: basename(entryFile) }
  const file = location.file.split(sep).join('/')
  if (file === 'atoll:entry') return { file: basename(entryFile) }
  return { file: shortName(file), line: location.line, column: location.column + 1 }
}

function noteOf({ text, location, notes }: Message): string {
  if (location?.file === 'atoll:entry' && text.includes('No matching export'))
    return 'it has no default export: that is what Contract.implement({ … }) gives'
  const [hint] = notes ?? []
  return hint === undefined || hint.text === '' ? text : `${text}; ${hint.text}`
}
