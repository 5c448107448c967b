import binaryen from 'binaryen'
import { replaceIn } from './expressions.mjs'

/** A count from here on is for good. */
const KEPT_COUNT_MIN = 2 ** 30
/** How many have a piece of the heap stands in front of it, in so many bytes. */
const COUNT_BYTES = 4
/** How far one step of code counts. */
const STEPS = [1, 2]
/** Functions of quickjs-wasi 3.6.2 that carry a one through digits, or move entries of a table: no counts. */
const OTHERS = ['341', '951', '1636']

const { Binary, Const, Load, LocalGet, LocalSet, Store } = binaryen

/**
 * Has the engine leave a count of references alone that is larger than any program can make it. Whatever stands in an image gets such a count
 * (`for-good.ts`): to use it changes nothing, and it is never freed.
 *
 * @param {import('binaryen').default.Module} module
 * @returns {number} In how many places.
 */
export function keepCounts(module) {
  const { i32, local } = module
  const [at, count] = [() => local.get(0, binaryen.i32), () => local.get(1, binaryen.i32)]
  const stored = module.if(i32.lt_u(count(), i32.const(KEPT_COUNT_MIN)), i32.store(0, COUNT_BYTES, at(), count()))
  let places = 0
  const functions = Array.from({ length: module.getNumFunctions() }, (_, index) => module.getFunctionByIndex(index))
  module.addFunction('count', binaryen.createType([binaryen.i32, binaryen.i32]), binaryen.none, [], stored)
  for (const code of functions) {
    if (OTHERS.includes(binaryen.Function.getName(code))) continue
    const sets = setsIn(code)
    replaceIn(code, part => {
      if (!isKind(part, 'Store') || !isWord(Store, part)) return undefined
      const [pointer, value] = [Store.getPtr(part), Store.getValue(part)]
      if (!isPlaceOfCount(pointer, sets) || !isStep(value, sets)) return undefined
      places += 1
      return module.call('count', [pointer, value], binaryen.none)
    })
  }
  return places
}

const isKind = (expression, kind) => binaryen.getExpressionId(expression) === binaryen[`${kind}Id`]

const isWord = (access, expression) => access.getBytes(expression) === COUNT_BYTES && access.getOffset(expression) === 0

const isNumber = (expression, numbers) => isKind(expression, 'Const') && numbers.includes(Const.getValueI32(expression))

/** What is put into each local, by its index. */
function setsIn(code) {
  const sets = new Map()
  replaceIn(code, part => {
    if (!isKind(part, 'LocalSet')) return
    const index = LocalSet.getIndex(part)
    sets.set(index, [...(sets.get(index) ?? []), LocalSet.getValue(part)])
  })
  return sets
}

/** Whether some value that `expression` may have is one of which `is` holds. */
function may(expression, sets, is) {
  if (isKind(expression, 'LocalSet')) return is(LocalSet.getValue(expression))
  if (!isKind(expression, 'LocalGet')) return is(expression)
  return (sets.get(LocalGet.getIndex(expression)) ?? []).some(value => may(value, new Map(), is))
}

/** The address of a piece of the heap, less what its count takes. */
const isPlaceOfCount = (pointer, sets) =>
  may(pointer, sets, value => isBinary(value, [binaryen.SubInt32]) && isNumber(Binary.getRight(value), [COUNT_BYTES]))

/** What was loaded, and one more or less. */
function isStep(value, sets) {
  const sum = isKind(value, 'LocalSet') ? LocalSet.getValue(value) : value
  if (!isBinary(sum, [binaryen.AddInt32, binaryen.SubInt32]) || !isNumber(Binary.getRight(sum), STEPS)) return false
  return may(Binary.getLeft(sum), sets, loaded => isKind(loaded, 'Load') && isWord(Load, loaded))
}

const isBinary = (expression, operations) =>
  isKind(expression, 'Binary') && operations.includes(Binary.getOp(expression))
