import {
  Failure,
  messagesFeed,
  type Operations,
  PAGE_MAX,
  type ProcessDescription,
  type ProcessId,
  type ProcessStateView,
  resultsFeed,
  slotCount,
} from '../../protocol/index.ts'
import type { OperationParts } from '../parts.ts'
import { showProcess } from './show.ts'

/** What processes this node knows, and what they hold. */
export function processOperations(
  parts: OperationParts,
): Pick<Operations, 'listProcesses' | 'process' | 'spawnEnvelope' | 'query' | 'cell'> {
  const { computer, log } = parts
  return {
    async listProcesses({ after, limit = PAGE_MAX }) {
      const processes = await log.directory.processes({ after, limit })
      return {
        processes: processes.map(showProcess),
        next: processes.length === limit ? processes.at(-1)?.id : undefined,
      }
    },
    async process({ process }) {
      return showState(parts, await knownProcess(parts, process))
    },
    async spawnEnvelope({ process }) {
      const envelope = await log.directory.spawnEnvelope(process)
      if (envelope === undefined) throw new Failure('unknown-process', { process })
      return envelope
    },
    async query({ process, from = NOBODY, owner, tags = [], data = NO_BYTES, anchor, at, wait_ms }, { signal }) {
      const message = { from, owner: owner ?? from, id: NOBODY, tags, data, anchor }
      return computer.query(process, message, { signal, timeoutMs: wait_ms, at })
    },
    async cell({ process, key }) {
      const { id } = await knownProcess(parts, process)
      const value = await computer.cell(id, key)
      if (value === undefined) throw new Failure('not-found', { process }, { note: 'the process holds no such cell' })
      return value
    },
  }
}

/** The id of nobody: 32 zero bytes. */
const NOBODY = 'A'.repeat(43)
const NO_BYTES = new Uint8Array(0)

/** @throws {Failure} `unknown-process` */
export async function knownProcess(
  parts: Pick<OperationParts, 'log'>,
  process: ProcessId,
): Promise<ProcessDescription> {
  const description = await parts.log.directory.process(process)
  if (description === undefined) throw new Failure('unknown-process', { process })
  return description
}

async function showState({ log, computer }: OperationParts, process: ProcessDescription): Promise<ProcessStateView> {
  const feed = messagesFeed(process)
  const [scheduled, evaluated, lifecycle] = await Promise.all([
    slotCount(log, feed),
    computer.evaluated(process.id),
    computer.lifecycle(process.id),
  ])
  return {
    ...showProcess(process),
    moduleInForce: lifecycle.module,
    feedKey: log.feedKey(feed),
    resultFeeds: process.policy.computeUnits.map(unit => ({
      unit,
      feedKey: log.feedKey(resultsFeed(process, unit)),
    })),
    scheduled,
    evaluated,
  }
}
