// Makes what agents run on: the engine, and what runs inside it before any of them: guest/main.ts becomes build/prelude.js.
// Skips all work while sources, this script and the bundler are the same as last time.
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { readIfThere, replaceFile } from '../build-files.mjs'
import { buildAgentEngine } from './build-engine.mjs'
import { preludeStamp } from './prelude-stamp.ts'

const HERE = dirname(fileURLToPath(import.meta.url))
const SOURCES = join(HERE, 'guest')
const LICENCES_FILE = 'prelude-LICENSES.txt'

/**
 * Makes engine and prelude in `outDir`.
 * @param {string} [outDir]
 * @returns {Promise<'built' | 'fresh'>} fresh: nothing had to be done.
 */
export async function buildAgentRuntime(outDir = join(HERE, 'build')) {
  await mkdir(outDir, { recursive: true })
  const made = [await buildAgentEngine(outDir), await buildPrelude(outDir)]
  return made.includes('built') ? 'built' : 'fresh'
}

/** @param {string} outDir */
async function buildPrelude(outDir) {
  const stamp = preludeStamp()
  const isFresh = (await readIfThere(join(outDir, 'stamp'))) === stamp
  if (isFresh && (await readIfThere(join(outDir, LICENCES_FILE))) !== undefined) return 'fresh'
  const { outputFiles, metafile } = await build({
    entryPoints: [join(SOURCES, 'main.ts')],
    absWorkingDir: HERE,
    bundle: true,
    write: false,
    metafile: true,
    format: 'iife',
    target: 'es2023',
    platform: 'neutral',
    mainFields: ['main'],
    charset: 'utf8',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'silent',
    // Fields are assigned: to define each first takes twice as long in an interpreter.
    tsconfigRaw: '{"compilerOptions":{"useDefineForClassFields":false}}',
  })
  await replaceFile(outDir, 'prelude.js', outputFiles[0].contents)
  await replaceFile(outDir, LICENCES_FILE, await licencesOf(Object.keys(metafile.inputs)))
  await replaceFile(outDir, 'stamp', stamp)
  return 'built'
}

/**
 * The licences of all packages that files are of, each behind the name of its package.
 * @param {readonly string[]} files
 */
async function licencesOf(files) {
  const packages = files.flatMap(file => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? [])
  const texts = ['In prelude.js are parts of these packages:']
  for (const folder of [...new Set(packages)].sort()) {
    const at = resolve(HERE, folder)
    const name = (await readdir(at)).find(file => /^licen[cs]e/i.test(file))
    if (name === undefined) throw new Error(`expected a licence in ${folder}, which the prelude of agents is made of`)
    const { name: of, version } = JSON.parse(await readFile(join(at, 'package.json'), 'utf8'))
    texts.push(`${of} ${version}\n\n${(await readFile(join(at, name), 'utf8')).trim()}`)
  }
  return `${texts.join('\n\n---\n\n')}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const started = performance.now()
  const outcome = await buildAgentRuntime()
  console.log(`runtime of agents: ${outcome} in ${Math.round(performance.now() - started)} ms`)
}
