// A node in a program of its own, for tests that kill it: `node node-program.ts <data folder> [options as JSON]`. From the bundle that
// `ATOLL_TEST_BUNDLE` names, from the sources without: to look whether all of them are what it was made from takes a start an eighth of its time.
import type * as Nodes from '../../../node/index.ts'
import { runNode } from './run-node.ts'

const bundle = process.env['ATOLL_TEST_BUNDLE']
const { createNode } = (await import(
  bundle === undefined ? '../../../node/index.ts' : new URL('node.js', bundle).href
)) as typeof Nodes
await runNode(createNode)
