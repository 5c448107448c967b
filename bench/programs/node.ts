/**
 * A node for the benchmark, in a program of its own. It says where it serves, answers questions
 * about itself that no operation answers, and ends with the program that started it.
 */
import { createNode } from '../../node/index.ts'
import type { NodeAnswer, NodeInput, NodeQuestion } from '../rows/node-channel.ts'

const input = JSON.parse(process.argv[2] ?? '{}') as NodeInput

/** A signer that is never told to wait: one signs all messages here. */
const SIGNER_RATE = 1e9

// 0 is our own process group: the node and its hosts
process.once('disconnect', () => process.kill(0, 'SIGKILL'))

const node = await createNode({
  data: input.data,
  port: 0,
  signerRate: SIGNER_RATE,
  hosts: input.hosts,
  residentBytes: input.residentBytes,
  listen: input.listen,
  peer: input.peer,
})

const say = (answer: NodeAnswer): void => {
  process.send?.(answer)
}

async function answer(question: NodeQuestion): Promise<number> {
  switch (question) {
    case 'heapBytes': {
      globalThis.gc?.()
      const { heapUsed, external, arrayBuffers } = process.memoryUsage()
      return heapUsed + external + arrayBuffers
    }
    case 'loadedProcesses':
      return node.computer.checkpointAll()
  }
}

process.on('message', (question: NodeQuestion) => {
  void answer(question).then(value => say({ value }))
})
process.once('SIGTERM', () => {
  void node[Symbol.asyncDispose]().then(
    () => process.exit(0),
    error => {
      process.stderr.write(`closing failed: ${String(error)}\n`)
      process.exit(1)
    },
  )
})
say({ url: node.url, scheduler: node.key })
