import {
  epochHash,
  epochsOf,
  type EpochView,
  Failure,
  feedKey,
  messagesFeed,
  type Operations,
  type ProcessDescription,
  type ProcessEpoch,
  readEpochItem,
} from '../../protocol/index.ts'
import type { OperationParts } from '../parts.ts'
import { knownProcess } from './processes.ts'

/** Who schedules processes, and handing them over. */
export function epochOperations(
  parts: OperationParts,
): Pick<Operations, 'listEpochs' | 'epochItem' | 'prepareHandover' | 'handOver'> {
  const { log } = parts
  return {
    async listEpochs({ process }) {
      const description = await knownProcess(parts, process)
      const items = log.directory.epochItems(process)
      return { epochs: epochsOf(description).map(epoch => showEpoch(description, epoch, items[epoch.epoch - 1])) }
    },
    async epochItem({ process, epoch }) {
      const item = log.directory.epochItems((await knownProcess(parts, process)).id)[epoch - 1]
      if (item === undefined) throw new Failure('not-found', { process, epoch })
      return item
    },
    prepareHandover: ({ bytes }) => desk(parts).prepare(bytes),
    handOver: ({ bytes }) => desk(parts).take(bytes),
  }
}

function desk({ handovers }: OperationParts): NonNullable<ReturnType<NonNullable<OperationParts['handovers']>>> {
  const found = handovers?.()
  if (found === undefined)
    throw new Failure('unit-not-run', { unit: 'scheduler' }, { note: 'this node hands nothing over' })
  return found
}

function showEpoch({ id }: ProcessDescription, epoch: ProcessEpoch, item: Uint8Array | undefined): EpochView {
  const { policy, prologue, firstSlot = 0 } = epoch
  const { schedulers, schedulerQuorum, computeUnits, computeQuorum } = policy
  return {
    epoch: epoch.epoch,
    policy: { schedulers: [...schedulers], schedulerQuorum, computeUnits: [...computeUnits], computeQuorum },
    blocks: prologue?.length ?? 0,
    firstSlot,
    feedKey: feedKey(messagesFeed({ id, ...epoch })),
    record: item && epochHash(readEpochItem(item).record),
  }
}
