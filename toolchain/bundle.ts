import { createRequire } from 'node:module'
import { basename, dirname, resolve, sep } from 'node:path'
import { build, type BuildFailure, type Message } from 'esbuild'
import { Failure } from '../protocol/index.ts'
import { namespaces, ownPackage, PLATFORM, platform } from './bundle-plugins.ts'
import { authorsName, ownMap, type SourceMap } from './own-map.ts'

/** A bundled program: one script, and where its places stand in the author's files. */
export interface Bundle {
  readonly code: string
  readonly map: SourceMap
  /** Files that went into it, for whoever watches them. */
  readonly inputs: readonly string[]
}

/** Where packages are looked for that the author has not installed: a schema library comes with Atoll. */
const OWN_PACKAGES = createRequire(import.meta.url).resolve.paths('zod') ?? []
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
      inject: [PLATFORM],
      plugins: [ownPackage(), platform(), namespaces()],
      ...(options.globalName !== undefined && { globalName: options.globalName }),
      ...(options.footer !== undefined && { footer: { js: options.footer } }),
    })
    const text = (ending: string): string => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? ''
    const inputs = Object.keys(metafile.inputs).filter(path => !path.includes(':'))
    return {
      code: text('.js'),
      map: ownMap(text('.map'), folder),
      inputs: inputs.map(path => resolve(folder, path)),
    }
  } catch (error) {
    throw whyFailed(error, entryFile, folder)
  }
}

function whyFailed(error: unknown, entryFile: string, folder: string): unknown {
  const { errors } = error as Partial<BuildFailure>
  const [first] = errors ?? []
  if (first === undefined) return error
  return new Failure('bad-program', placeOf(first, entryFile, folder), { note: noteOf(first) })
}

function placeOf({ location }: Message, entryFile: string, folder: string): Record<string, string | number> {
  if (location === null) return { file: basename(entryFile) }
  const file = location.file.split(sep).join('/')
  if (file === 'atoll:entry') return { file: basename(entryFile) }
  return {
    file: authorsName(resolve(folder, file), folder) ?? file.slice(file.lastIndexOf('node_modules/')),
    line: location.line,
    column: location.column + 1,
  }
}

function noteOf({ text, location, notes }: Message): string {
  if (location?.file === 'atoll:entry' && text.includes('No matching export'))
    return 'it has no default export: that is what Contract.implement({ … }) gives'
  if (text.startsWith('Could not resolve')) return `${text}: is it installed, and is its name right?`
  if (text.startsWith('Top-level await')) return 'a process cannot wait while it is loaded: await in a message'
  const [hint] = notes ?? []
  return hint === undefined || hint.text === '' ? text : `${text}; ${hint.text}`
}
