// Makes what agents run on: the engine, and what runs inside it before any of them: guest/main.ts becomes build/prelude.js.
// Skips all work while sources, this script and the bundler are the same as last time.
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, version } from 'esbuild'
import { readIfThere, replaceFile } from '../build-files.mjs'
import { buildAgentEngine } from './build-engine.mjs'

const HERE = dirname(fileURLToPath(import.meta.url))
const SOURCES = join(HERE, 'guest')
/** What the prelude brings along, at the versions of the lockfile. */
const PACKAGES = ['croner', 'whatwg-url-without-unicode/package.json']

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
  const stamp = await stampOf()
  if ((await readIfThere(join(outDir, 'stamp'))) === stamp) return 'fresh'
  const { outputFiles } = await build({
    entryPoints: [join(SOURCES, 'main.ts')],
    absWorkingDir: HERE,
    bundle: true,
    write: false,
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
  await replaceFile(outDir, 'stamp', stamp)
  return 'built'
}

async function stampOf() {
  const { resolve } = createRequire(import.meta.url)
  const hash = createHash('sha256').update(`${version}\n`)
  hash.update(await readFile(fileURLToPath(import.meta.url)))
  for (const name of PACKAGES) hash.update(await readFile(resolve(name)))
  for (const name of (await readdir(SOURCES)).sort()) {
    const text = await readFile(join(SOURCES, name), 'utf8')
    hash.update(`\n${name} ${text.length}\n${text}`)
  }
  return hash.digest('hex')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const started = performance.now()
  const outcome = await buildAgentRuntime()
  console.log(`runtime of agents: ${outcome} in ${Math.round(performance.now() - started)} ms`)
}
