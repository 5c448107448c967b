// Makes the engine of agents from the one of npm: small functions stand where they were called. Its file is named by its hash, and is taken
// as it is if that is what it holds. Plain JavaScript that any Node from 18 on understands.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { bytesIfThere, replaceFile } from '../build-files.mjs'

const require = createRequire(import.meta.url)
/** Where a clone has it. */
const OF_CLONE = fileURLToPath(new URL('build', import.meta.url))
const LICENCE_FILE = 'engine-LICENSE.txt'
/** JS_FreeValueRT of quickjs-wasi 3.6.2: a third of all calls that a message makes are of it, or of what does nothing but call it. */
const FREE_VALUE = '28'
/** From here on values are counted, as unsigned words: JS_TAG_FIRST in the upper half. */
const FIRST_COUNTED = BigInt.asUintN(64, -9n << 32n)
/** Of a function's code, as the optimizer counts. With 60 the engine is a fifth longer, and not quicker. */
const INLINED_SIZE_MAX = 40

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

/** @param {Uint8Array} original */
async function optimized(original) {
  // Thirteen megabytes that are rarely needed; of its own, for who compiles before in the same program leaves its settings in the other.
  const place = pathToFileURL(require.resolve('binaryen'))
  place.search = 'engine'
  /** @type {typeof import('binaryen')} */
  const { default: binaryen } = await import(place.href)
  const module = binaryen.readBinary(original)
  guardFreeing(binaryen, module)
  binaryen.setOptimizeLevel(2)
  binaryen.setShrinkLevel(0)
  binaryen.setAlwaysInlineMaxSize(INLINED_SIZE_MAX)
  module.runPasses(['inlining-optimizing'])
  return module.emitBinary()
}

/**
 * Of most values that are given up nobody counts who has them, or others still do. The function that frees the rest is long, so it
 * stands behind one that sees to these and is short enough to stand where it is called.
 *
 * @param {typeof import('binaryen').default} binaryen
 * @param {import('binaryen').default.Module} module
 */
function guardFreeing(binaryen, module) {
  const { i32, i64, local } = module
  const { params, results, vars, body } = binaryen.getFunctionInfo(module.getFunction(FREE_VALUE))
  module.addFunction('free', params, results, vars, module.copyExpression(body))
  const [runtime, value, count] = [local.get(0, binaryen.i32), () => local.get(1, binaryen.i64), 2]
  const counter = () => i32.sub(i32.wrap(value()), i32.const(4))
  const guard = module.if(
    i64.ge_u(value(), i64.const(FIRST_COUNTED)),
    module.if(
      i32.gt_s(local.tee(count, i32.load(0, 4, counter()), binaryen.i32), i32.const(1)),
      i32.store(0, 4, counter(), i32.sub(local.get(count, binaryen.i32), i32.const(1))),
      module.call('free', [runtime, value()], binaryen.none),
    ),
  )
  module.removeFunction(FREE_VALUE)
  module.addFunction(FREE_VALUE, params, results, [binaryen.i32], guard)
}
