// Finds its way through code as the optimizer holds it: the package gives the parts of each kind of expression one by one, and no walk over all.
import binaryen from 'binaryen'

const CHILDREN = { part: 'Child', count: 'getNumChildren' }
const OPERANDS = { part: 'Operand', count: 'getNumOperands' }
/** Of each kind, what its parts are named, and those that are a list. */
const PARTS = [
  ['Block', [], CHILDREN],
  ['If', ['Condition', 'IfTrue', 'IfFalse']],
  ['Loop', ['Body']],
  ['Break', ['Value', 'Condition']],
  ['Switch', ['Value', 'Condition']],
  ['Call', [], OPERANDS],
  ['CallIndirect', ['Target'], OPERANDS],
  ['LocalSet', ['Value']],
  ['GlobalSet', ['Value']],
  ['Load', ['Ptr']],
  ['Store', ['Ptr', 'Value']],
  ['Unary', ['Value']],
  ['Binary', ['Left', 'Right']],
  ['Select', ['IfTrue', 'IfFalse', 'Condition']],
  ['Drop', ['Value']],
  ['Return', ['Value']],
  ['MemoryGrow', ['Delta']],
  ['MemoryCopy', ['Dest', 'Source', 'Size']],
  ['MemoryFill', ['Dest', 'Value', 'Size']],
]
const WITHOUT_PARTS = ['LocalGet', 'GlobalGet', 'Const', 'Nop', 'Unreachable', 'MemorySize']

const kinds = new Map(PARTS.map(([kind, names, list]) => [binaryen[`${kind}Id`], { of: binaryen[kind], names, list }]))
for (const kind of WITHOUT_PARTS) kinds.set(binaryen[`${kind}Id`], { names: [] })

/**
 * Gives each expression of a function to `visit`, the inner ones first. What `visit` gives takes its place; nothing leaves it.
 *
 * @param {number} code
 * @param {(expression: number) => number | undefined} visit
 */
export function replaceIn(code, visit) {
  replace(binaryen.Function.getBody(code), visit, other => binaryen.Function.setBody(code, other))
}

function replace(expression, visit, put) {
  if (expression === 0) return
  const id = binaryen.getExpressionId(expression)
  const kind = kinds.get(id)
  if (kind === undefined) throw new Error(`expected an expression of a known kind, got ${id}`)
  const { of, names, list } = kind
  for (const name of names) replace(of[`get${name}`](expression), visit, other => of[`set${name}`](expression, other))
  const count = list === undefined ? 0 : of[list.count](expression)
  for (let at = 0; at < count; at++)
    replace(of[`get${list.part}At`](expression, at), visit, other => of[`set${list.part}At`](expression, at, other))
  const other = visit(expression)
  if (other !== undefined) put(other)
}
