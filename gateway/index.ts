// HTTP face of a node: the table of operations over HTTP, and what carries the operations out.
export { type AoFacade, type AoFacadeParts, createAoFacade, type KnownScheduler } from './ao/index.ts'
export {
  BlsSigner,
  createIcFaces,
  type EvaluatedResults,
  type IcFacadeParts,
  IcKeys,
  type QueryClerk,
  runClerk,
  ThreadedClerk,
} from './ic/index.ts'
export { Gateway, type GatewayParts } from './gateway.ts'
export { Metrics } from './metrics.ts'
export { createOperations } from './operations/create-operations.ts'
export type { GatewayLogger, Mount, NodeAdmin, NodeFeeds, NodeInfo, NodePeers, OperationParts } from './parts.ts'
