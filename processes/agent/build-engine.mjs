// Makes the engine of agents from the one of npm: small functions stand where they were called. Its file is named by its hash, and is taken
// as it is if that is what it holds. Plain JavaScript that any Node from 18 on understands.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { bytesIfThere, replaceFile } from '../build-files.mjs'

const require = createRequire(import.meta.url)
/** Where a clone has it. */
const OF_CLONE = fileURLToPath(new URL('build', import.meta.url))
const LICENCE_FILE = 'engine-LICENSE.txt'

/**
 * Writes the engine into `outDir`, which is there, and its licence. Engines of other versions stay: a node that still runs one starts
 * hosts with it.
 * @param {string} outDir
 * @returns {Promise<'built' | 'fresh'>} fresh: nothing had to be done.
 */
export async function buildAgentEngine(outDir) {
  const { sha256 } = await expected()
  if (await hasAgentEngine(outDir)) return 'fresh'
  await replaceFile(outDir, LICENCE_FILE, await licence())
  await replaceFile(outDir, fileOf(sha256), (await engineIn(OF_CLONE)) ?? (await made(sha256)))
  return 'built'
}

/** Whether the engine and its licence are in a folder. */
export async function hasAgentEngine(folder = OF_CLONE) {
  return (await engineIn(folder)) !== undefined && (await bytesIfThere(join(folder, LICENCE_FILE))) !== undefined
}

/**
 * The engine in a folder; undefined if it is missing or damaged.
 * @param {string} folder
 */
async function engineIn(folder) {
  const { sha256 } = await expected()
  const bytes = await bytesIfThere(join(folder, fileOf(sha256)))
  return bytes !== undefined && hashOf(bytes) === sha256 ? bytes : undefined
}

/** The name of its file in the folder that it is built in. */
export async function engineFile() {
  return fileOf((await expected()).sha256)
}

/** What comes out, on every machine: nodes agree only if their engines are the same. */
async function expected() {
  return JSON.parse(await readFile(new URL('engine-hash.json', import.meta.url), 'utf8'))
}

/** @param {string} sha256 */
const fileOf = sha256 => `engine-${sha256.slice(0, 8)}.wasm`

/** @param {Uint8Array} bytes */
const hashOf = bytes => createHash('sha256').update(bytes).digest('hex')

/** @param {string} sha256 */
async function made(sha256) {
  const original = await readFile(require.resolve('quickjs-wasi/quickjs.wasm'))
  const engine = await optimized(original)
  const found = hashOf(engine)
  if (found === sha256) return engine
  const { version } = JSON.parse(await readFile(require.resolve('binaryen/package.json'), 'utf8'))
  const tools = `quickjs.wasm ${hashOf(original)}, binaryen ${version}, Node ${process.version} on ${process.platform} ${process.arch}`
  throw new Error(
    `the engine of agents came out as ${found}, and all nodes have ${sha256}.\nIf package-lock.json and sources are unchanged, please report this line: ${tools}`,
  )
}

/** That of the package, and whose work is in it. */
async function licence() {
  const ofPackage = join(dirname(require.resolve('quickjs-wasi/quickjs.wasm')), 'LICENSE')
  return [
    'The engine of agents (engine-*.wasm) is a changed copy of quickjs.wasm of the npm package quickjs-wasi. In it is QuickJS-NG:',
    'Copyright (c) Fabrice Bellard, Charlie Gordon, Ben Noordhuis, Saúl Ibarra Corretgé. Both are licensed in these words:\n',
    await readFile(ofPackage, 'utf8'),
  ].join('\n')
}

/**
 * In a thread of its own: the optimizer keeps its settings for all that a program does with it, and the compiler of the standard
 * processes has others.
 *
 * @param {Uint8Array} original
 * @returns {Promise<Uint8Array>}
 */
async function optimized(original) {
  const worker = new Worker(new URL('optimize-engine.mjs', import.meta.url), { workerData: original, execArgv: [] })
  const [engine] = await once(worker, 'message')
  return engine
}
