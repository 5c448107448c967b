// As node-program.ts, but from the sources, and its compute unit flips a bit of every state root after slot `LIE_AFTER`.
import { ComputeUnit, type OpenHost } from '../../../compute-unit/index.ts'
import { createNode } from '../../../node/index.ts'
import { runNode } from './run-node.ts'

const after = Number(process.env['LIE_AFTER'] ?? 0)

const lying =
  (open: OpenHost): OpenHost =>
  options => {
    const host = open(options)
    const ask = host.ask.bind(host)
    host.ask = async request => {
      const answer = await ask(request)
      if (answer.kind !== 'evaluated' || answer.outcome.firstSlot + answer.outcome.count <= after) return answer
      const stateRoot = answer.outcome.stateRoot.slice()
      stateRoot[0] = (stateRoot[0] ?? 0) ^ 1
      return { ...answer, outcome: { ...answer.outcome, stateRoot } }
    }
    return host
  }

const open = ComputeUnit.open.bind(ComputeUnit)
ComputeUnit.open = parts => open({ ...parts, openHost: lying(parts.openHost) })
await runNode(createNode)
