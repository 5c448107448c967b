// Makes the engine of agents, build/engine.wasm, from the one of npm: small functions stand where they were called.
// Skips all work while the engine, this script and the optimizer are the same as last time.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readIfThere, replaceFile } from '../build-files.mjs'

/** What comes out, on every machine: nodes agree only if their engines are the same. */
const ENGINE_SHA256 = '7ad2ba453c9a561d5f5d71b0cb5e0fbc8b8494e48a3d729d6fc3896348884678'
/** JS_FreeValueRT of quickjs-wasi 3.6.2: a third of all calls that a message makes are of it, or of what does nothing but call it. */
const FREE_VALUE = '28'
/** From here on values are counted, as unsigned words: JS_TAG_FIRST in the upper half. */
const FIRST_COUNTED = BigInt.asUintN(64, -9n << 32n)
/** Of a function's code, as the optimizer counts. With 60 the engine is a fifth longer, and not quicker. */
const INLINED_SIZE_MAX = 40

/**
 * Writes the engine into `outDir`, which is there.
 * @param {string} outDir
 * @returns {Promise<'built' | 'fresh'>} fresh: nothing had to be done.
 */
export async function buildAgentEngine(outDir) {
  const require = createRequire(import.meta.url)
  const original = await readFile(require.resolve('quickjs-wasi/quickjs.wasm'))
  const hash = createHash('sha256').update(original)
  hash.update(await readFile(fileURLToPath(import.meta.url)))
  hash.update(await readFile(require.resolve('binaryen/package.json')))
  const stamp = hash.digest('hex')
  if ((await readIfThere(join(outDir, 'engine-stamp'))) === stamp) return 'fresh'
  const engine = await optimized(original)
  const made = createHash('sha256').update(engine).digest('hex')
  if (made !== ENGINE_SHA256) throw new Error(`expected the engine ${ENGINE_SHA256}, got ${made}`)
  await replaceFile(outDir, 'engine.wasm', engine)
  await replaceFile(outDir, 'engine-stamp', stamp)
  return 'built'
}

/** @param {Uint8Array} original */
async function optimized(original) {
  // Thirteen megabytes that are rarely needed.
  const { default: binaryen } = await import('binaryen')
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
