// The thread in which the engine of agents is made: gets the engine of npm, gives the other.
import { parentPort, workerData } from 'node:worker_threads'
import binaryen from 'binaryen'
import { keepCounts } from './kept-counts.mjs'

/** JS_FreeValueRT of quickjs-wasi 3.6.2: a third of all calls that a message makes are of it, or of what does nothing but call it. */
const FREE_VALUE = '28'
/** From here on values are counted, as unsigned words: JS_TAG_FIRST in the upper half. */
const FIRST_COUNTED = BigInt.asUintN(64, -9n << 32n)
/** Of a function's code, as the optimizer counts. With 60 the engine is a fifth longer, and not quicker. */
const INLINED_SIZE_MAX = 40

/** What `keepCounts` has to find: another engine has other places. */
const COUNTED_PLACES = 466

const module = binaryen.readBinary(workerData)
guardFreeing(module)
const places = keepCounts(module)
if (places !== COUNTED_PLACES) throw new Error(`expected ${COUNTED_PLACES} places that count references, got ${places}`)
binaryen.setOptimizeLevel(2)
binaryen.setShrinkLevel(0)
binaryen.setAlwaysInlineMaxSize(INLINED_SIZE_MAX)
module.runPasses(['inlining-optimizing'])
parentPort.postMessage(module.emitBinary())

/**
 * Of most values that are given up nobody counts who has them, or others still do. The function that frees the rest is long, so it
 * stands behind one that sees to these and is short enough to stand where it is called.
 *
 * @param {import('binaryen').default.Module} module
 */
function guardFreeing(module) {
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
