import { OPERATION_NAMES, type OperationName, rowOf } from '../protocol/index.ts'

/** What answers at a path: the operation of each method, and the values of the path's parameters. */
export interface Route {
  readonly operations: Readonly<Record<string, OperationName>>
  readonly params: Readonly<Record<string, string>>
}

interface RouteNode {
  readonly statics: Map<string, RouteNode>
  param: { readonly name: string; readonly node: RouteNode } | undefined
  readonly operations: Record<string, OperationName>
}

const newNode = (): RouteNode => ({
  statics: new Map(),
  param: undefined,
  operations: Object.create(null),
})

/** Finds the route of a path, given by its decoded segments; fixed names win over parameters. */
export type Router = (segments: readonly string[]) => Route | undefined

/** Builds the router of the table. Two rows for one method and path, or two names for one parameter, are a bug. */
export function createRouter(names: readonly OperationName[] = OPERATION_NAMES): Router {
  const root = newNode()
  for (const name of names) addRoute(root, name)
  return segments => {
    const params: Record<string, string> = {}
    const node = find(root, segments, 0, params)
    return node && { operations: node.operations, params }
  }
}

function addRoute(root: RouteNode, name: OperationName): void {
  const { method, path } = rowOf(name)
  let node = root
  for (const segment of path.slice(1).split('/')) node = childOf(node, segment)
  if (node.operations[method] !== undefined) throw new Error(`two operations for ${method} ${path}`)
  node.operations[method] = name
}

function childOf(node: RouteNode, segment: string): RouteNode {
  const param = /^\{(\w+)\}$/.exec(segment)?.[1]
  if (param !== undefined) {
    node.param ??= { name: param, node: newNode() }
    if (node.param.name !== param) throw new Error(`two names for one parameter: ${param}, ${node.param.name}`)
    return node.param.node
  }
  let child = node.statics.get(segment)
  if (child === undefined) {
    child = newNode()
    node.statics.set(segment, child)
  }
  return child
}

function find(
  node: RouteNode,
  segments: readonly string[],
  at: number,
  params: Record<string, string>,
): RouteNode | undefined {
  const segment = segments[at]
  if (segment === undefined) return Object.keys(node.operations).length > 0 ? node : undefined
  const fixed = node.statics.get(segment)
  const found = fixed && find(fixed, segments, at + 1, params)
  if (found !== undefined) return found
  if (node.param === undefined || segment === '') return undefined
  const below = find(node.param.node, segments, at + 1, params)
  if (below !== undefined) params[node.param.name] = segment
  return below
}
