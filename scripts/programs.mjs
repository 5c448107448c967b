/**
 * Makes the programs of this clone into a few files of JavaScript in .cache/programs, from which they start several times faster than
 * from their sources; does nothing if that is done. Packages come with them, but for those that have native parts or look for their files.
 *
 *     node scripts/programs.mjs
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { basename, dirname, join, relative, sep } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, transform } from 'esbuild'
import { engineFile } from '../processes/agent/build-engine.mjs'
import { contentOf, fingerprintOf, freshBundle, isHeld, nativePart, readBundle } from '../startup/index.ts'

const ROOT = join(import.meta.dirname, '..')
const BUNDLES = join(ROOT, '.cache', 'programs')
/** What starts by itself, and where its source lies. All become files of one folder. */
const PROGRAMS = {
  main: 'cli/main',
  node: 'node/index',
  startup: 'startup/index',
  'clerk-main': 'node/programs/clerk-main',
  'bls-worker': 'gateway/ic/bls-worker',
}
const HOST = { 'host-main': 'node/programs/host-main' }
/** Sources that look beside themselves for one of these programs: they are to find that of the bundle. */
const LOOK_BESIDE = ['node/programs/host-path', 'node/programs/clerk-program', 'gateway/ic/bls-signer']
/** Finds what agents run on below its own folder: a bundle has copies, since the next build replaces them while a node runs. */
const RUNS_AGENTS = 'processes/agent/engine'
const BUILT_FOR_AGENTS = 'processes/agent/build'
/** Packages that look for files of their own. */
const APART = ['esbuild', 'pino', 'motoko', '@wasmer/sdk', 'assemblyscript', 'typescript']
/** A source of numbers, and of functions that make bytes, always the same: they are made here, where each program took 15 ms of its start for it. */
const SAME_BYTES = /[\\/]protocol[\\/]crypto[\\/]sha256-code\.[jt]s$/
/** Says, when a program runs, which native part is that of the machine. */
const NATIVE_PART = join(ROOT, 'startup', 'native-part.ts')
/** What decides what is made, beside the sources. */
const CONFIGURATION = ['scripts/programs.mjs', 'tsconfig.json', 'package.json', 'package-lock.json']
/** Bundles that stay, beside those that something runs from. */
const KEPT = 4
/** A file system's clock may stand still for so long. */
const CLOCK_MAX_MS = 50

/** @returns {Promise<'built' | 'fresh'>} fresh: nothing had to be done. */
export async function buildPrograms() {
  const known = readBundle()
  if (known !== undefined && freshBundle() !== undefined && fingerprintOf(known.inputs) === known.fingerprint)
    return 'fresh'
  for (;;) {
    const startedMs = Date.now()
    const isSame = known !== undefined && existsSync(join(BUNDLES, known.key)) && contentOf(known.inputs) === known.key
    const folder = join(BUNDLES, `.new-${process.pid}`)
    const inputs = isSame ? known.inputs : await bundle(folder, { root: ROOT, ending: 'ts', packages: 'bundle' })
    const fingerprint = fingerprintOf(inputs)
    // Whoever saves a file in this very moment is waited for.
    if (
      inputs.every(
        input => (statSync(join(ROOT, input), { throwIfNoEntry: false })?.ctimeMs ?? 0) < startedMs - CLOCK_MAX_MS,
      )
    ) {
      const key = contentOf(inputs)
      if (!isSame) keep(folder, key)
      publish({ key, inputs, fingerprint })
      return isSame ? 'fresh' : 'built'
    }
    await sleep(2 * CLOCK_MAX_MS)
  }
}

/**
 * Makes `PROGRAMS` below `root`, whose sources end in `ending`, into files of `folder`.
 * @param {string} folder
 * @param {{ root: string, ending: 'ts' | 'js', packages: 'bundle' | 'external' }} from
 * @returns {Promise<string[]>} what was read, relative to `root`
 */
export async function bundle(folder, { root, ending, packages }) {
  rmSync(folder, { recursive: true, force: true })
  // A host shares no file with the others: it would load what they need.
  const made = await Promise.all(
    [PROGRAMS, HOST].map(programs =>
      build({
        entryPoints: Object.fromEntries(
          Object.entries(programs).map(([name, path]) => [name, join(root, `${path}.${ending}`)]),
        ),
        absWorkingDir: root,
        outdir: folder,
        bundle: true,
        splitting: true,
        metafile: true,
        platform: 'node',
        format: 'esm',
        target: 'node24',
        chunkNames: '[name]-[hash]',
        logLevel: 'error',
        banner: {
          js: 'const require = globalThis.process.getBuiltinModule("node:module").createRequire(import.meta.url);',
        },
        plugins: [
          builtins(),
          sameBytes(),
          whereItLay(root, folder, packages === 'bundle' ? [...LOOK_BESIDE, RUNS_AGENTS] : LOOK_BESIDE),
          ...(packages === 'bundle' ? [addons(folder), packagesApart(folder)] : []),
        ],
        ...(packages === 'external' ? { packages } : {}),
      }),
    ),
  )
  await Promise.all(
    made.flatMap(({ metafile }) => Object.keys(metafile.outputs)).map(output => toAscii(join(root, output))),
  )
  const read = made.flatMap(({ metafile }) => Object.keys(metafile.inputs)).filter(input => !input.includes(':'))
  const manifests = new Set(read.flatMap(input => manifestsAbove(root, input)))
  const forAgents = packages === 'bundle' ? await copyForAgents(root, folder) : []
  return [...new Set([...CONFIGURATION, ...manifests, ...forAgents, ...read])].sort()
}

/** @returns what was copied, relative to `root` */
async function copyForAgents(root, folder) {
  const names = [await engineFile(), 'prelude.js']
  mkdirSync(join(folder, 'build'))
  for (const name of names) copyFileSync(join(root, BUILT_FOR_AGENTS, name), join(folder, 'build', name))
  return names.map(name => `${BUILT_FOR_AGENTS}/${name}`)
}

/** A letter that takes more than one byte. */
const WIDE = /[^\0-\x7f]/

/**
 * Escapes the letters of comments, as esbuild does in strings. The engine holds a text with one letter beyond Latin as two bytes for each
 * letter: that was 11 MB of each node.
 */
async function toAscii(path) {
  const text = readFileSync(path, 'utf8')
  if (!WIDE.test(text)) return
  await refuseWideCode(text)
  const escaped = letter => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`
  writeFileSync(path, text.replaceAll(new RegExp(WIDE, 'g'), escaped))
}

/**
 * Patterns and tagged templates stay as they were written, and an escape may mean something else there: `/\\é/`, `String.raw`.
 * @throws {Error} if a letter to be escaped stands outside of comments
 */
export async function refuseWideCode(text) {
  const { code } = await transform(text, { minifyWhitespace: true, legalComments: 'none', charset: 'ascii' })
  const found = /.{0,40}[^\0-\x7f].{0,20}/u.exec(code)
  if (found !== null)
    throw new Error(`write \\u and the number of the letter in a pattern or tagged template: ${found[0]}`)
}

/** Where packages say which of their files are meant. */
function manifestsAbove(root, input) {
  const found = []
  if (!input.includes('node_modules/')) return found
  for (let folder = dirname(input); !folder.endsWith('node_modules'); folder = dirname(folder)) {
    const manifest = `${folder}/package.json`
    if (existsSync(join(root, manifest))) found.push(manifest)
  }
  return found
}

/** Node's own modules are taken as they are: as modules of ECMAScript, all that they load when it is needed is loaded at once. */
function builtins() {
  return {
    name: 'builtins',
    setup(within) {
      within.onResolve({ filter: /.*/ }, ({ path }) => (isBuiltin(path) ? { path, namespace: 'builtin' } : undefined))
      within.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
        contents: `module.exports = globalThis.process.getBuiltinModule(${JSON.stringify(path)})`,
      }))
    },
  }
}

/** What `SAME_BYTES` makes, as a literal. */
function sameBytes() {
  return {
    name: 'same bytes',
    setup(within) {
      within.onLoad({ filter: SAME_BYTES }, async ({ path }) => {
        // Not from an earlier bundle of this very program.
        const made = await import(`${pathToFileURL(path).href}?${performance.now()}`)
        const lines = Object.entries(made).map(([name, value]) =>
          typeof value === 'number'
            ? `export const ${name} = ${value}`
            : `export const ${name} = () => Buffer.from('${Buffer.from(value()).toString('base64')}', 'base64')`,
        )
        return { contents: lines.join('\n') }
      })
    },
  }
}

/** Sources find the files that lie beside them, wherever the bundle lies; those of `lookBeside` what lies beside the bundle. */
function whereItLay(root, folder, lookBeside) {
  return {
    name: 'where it lay',
    setup(within) {
      within.onLoad({ filter: /\.[cm]?[jt]s$/ }, ({ path }) => {
        const text = readFileSync(path, 'utf8')
        const place = relative(root, path).split(sep).join('/')
        if (!text.includes('import.meta') || lookBeside.some(name => place.startsWith(`${name}.`))) return undefined
        const url = `new URL(${JSON.stringify(relative(folder, path).split(sep).join('/'))}, import.meta.url)`
        const from = `globalThis.process.getBuiltinModule('node:module').createRequire(${url})`
        const file = `globalThis.process.getBuiltinModule('node:url').fileURLToPath(${url})`
        return {
          contents: text
            .replaceAll('import.meta.url', `${url}.href`)
            .replaceAll('import.meta.dirname', `globalThis.process.getBuiltinModule('node:path').dirname(${file})`)
            .replaceAll('import.meta.filename', file)
            .replaceAll(
              'import.meta.resolve(',
              `(name => globalThis.process.getBuiltinModule('node:url').pathToFileURL(${from}.resolve(name)).href)(`,
            ),
          loader: path.endsWith('ts') ? 'ts' : 'js',
        }
      })
    },
  }
}

/** How packages ask for their native part, which is then looked for through all names that it may have. */
const ASKS_FOR_ADDON =
  /^require\.addon = require\('require-addon'\)\s+module\.exports = require\.addon\('\.', __filename\)\s*$/

/** The package whose native part a file asks for and does nothing else; undefined if it is another file, or none is there that loads on this machine. */
function packageWithAddon(path) {
  if (!existsSync(path) || !ASKS_FOR_ADDON.test(readFileSync(path, 'utf8'))) return undefined
  const root = dirname(path)
  const addon = join(root, nativePart(basename(root)))
  try {
    createRequire(path)(addon)
    return root
  } catch {
    return undefined
  }
}

/** Where a native part lies is not looked for by each start. Which it is depends on the machine that starts: it may be another one, with this clone mounted. */
function addons(folder) {
  return {
    name: 'addons',
    setup(within) {
      within.onLoad({ filter: /[\\/]binding\.js$/ }, ({ path }) => {
        const home = packageWithAddon(path)
        if (home === undefined) return undefined
        const place = JSON.stringify(`${relative(folder, home).split(sep).join('/')}/`)
        const part = `require(${JSON.stringify(NATIVE_PART)}).nativePart(${JSON.stringify(basename(home))})`
        // A name that esbuild does not follow.
        return { contents: `module.exports = require(...[${place} + ${part}])` }
      })
    },
  }
}

/** Native parts cannot be taken along, and who looks for files of its own would not find them. */
function packagesApart(folder) {
  return {
    name: 'packages apart',
    setup(within) {
      within.onResolve({ filter: /^[^./]/ }, async ({ path, pluginData, ...rest }) => {
        if (pluginData === 'asked' || isBuiltin(path) || path.startsWith('#')) return undefined
        const found = await within.resolve(path, { ...rest, pluginData: 'asked' })
        // Optional: who requires it goes on without.
        if (found.errors.length > 0 && rest.kind === 'require-call') return { path, external: true }
        if (found.errors.length > 0 || found.external || !found.path.includes('node_modules')) return found
        const [, root, name] = /^(.*[/\\]node_modules[/\\]((?:@[^/\\]+[/\\])?[^/\\]+))/.exec(found.path) ?? []
        const isApart =
          APART.includes(name.replaceAll('\\', '/')) ||
          (['prebuilds', 'binding.gyp'].some(part => existsSync(join(root, part))) &&
            packageWithAddon(join(root, 'binding.js')) === undefined)
        // Found from where the bundle lies, wherever the clone is moved.
        return isApart ? { path: relative(folder, found.path).split(sep).join('/'), external: true } : found
      })
    },
  }
}

function keep(folder, key) {
  const kept = join(BUNDLES, key)
  if (existsSync(kept)) rmSync(folder, { recursive: true })
  else renameSync(folder, kept)
}

/** From here on it is this one that is used. */
function publish(made) {
  mkdirSync(BUNDLES, { recursive: true })
  replace('bundle.json', JSON.stringify(made))
  replace(
    'main.js',
    [
      `const startup = new URL('./${made.key}/startup.js', import.meta.url)`,
      `const isThere = process.getBuiltinModule('node:fs').existsSync(startup)`,
      'const { begin, freshBundle } = isThere ? await import(startup.href) : {}',
      `begin?.(new URL('.', startup))`,
      'const fresh = freshBundle?.()',
      `await import(fresh === undefined ? '../../cli/main.ts' : new URL('main.js', fresh).href)`,
      '',
    ].join('\n'),
  )
  clearOthers(BUNDLES, made.key)
}

/** Clears away what lies in `folder` beside the bundle `key`, but for those that something runs from and the latest of the others. */
export function clearOthers(folder, key) {
  const others = readdirSync(folder, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && entry.name !== key)
    .map(({ name }) => ({ path: join(folder, name), ms: statSync(join(folder, name)).mtimeMs }))
    .filter(({ path }) => !isHeld(pathToFileURL(`${path}${sep}`)))
    .sort((a, b) => b.ms - a.ms)
  for (const { path } of others.slice(KEPT - 1)) rmSync(path, { recursive: true, force: true })
}

/** At one stroke: whoever starts now sees the old or the new. */
function replace(name, text) {
  const temporary = join(BUNDLES, `.${name}.${process.pid}`)
  writeFileSync(temporary, text)
  renameSync(temporary, join(BUNDLES, name))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const started = performance.now()
  const outcome = await buildPrograms()
  console.log(`programs: ${outcome} in ${Math.round(performance.now() - started)} ms`)
}
