// A node in a program of its own, for tests that kill it: `node node-program.ts <data folder> [options as JSON]`.
import type * as Nodes from '../../../node/index.ts'
import { freshBundle } from '../../../startup/index.ts'
import { runNode } from './run-node.ts'

const bundle = freshBundle()
const { createNode } = (await import(
  bundle === undefined ? '../../../node/index.ts' : new URL('node.js', bundle).href
)) as typeof Nodes
await runNode(createNode)
