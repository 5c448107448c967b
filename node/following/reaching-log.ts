import {
  Failure,
  type FeedSpec,
  type KeyId,
  type Log,
  type ModuleDescription,
  type ModuleId,
  type ProcessDescription,
  type ProcessId,
} from '../../protocol/index.ts'
import { withOverrides } from '../with-overrides.ts'

export interface ReachingLogParts {
  readonly log: Log
  readonly key: KeyId
  describe(process: ProcessId): Promise<ProcessDescription | undefined>
  learnModule(module: ModuleId): Promise<ModuleDescription | undefined>
  /** Takes over what is new in the feed of a process that is scheduled elsewhere. @throws {Failure} `unreachable` */
  pull(process: ProcessId): Promise<void>
}

/**
 * A log that reaches for what other nodes have: whoever reads of a process that is scheduled elsewhere finds its feed here,
 * as far as it has come. If its scheduler cannot be reached, what was taken over before is still there.
 */
export function reachingLog(parts: ReachingLogParts): Log {
  const { log, describe, learnModule } = parts
  const reach = async (id: ProcessId): Promise<boolean> => {
    const process = log.directory.processAtHand(id) ?? (await describe(id).catch(() => undefined))
    if (process === undefined || process.policy.schedulers.includes(parts.key)) return false
    try {
      await parts.pull(id)
      return true
    } catch (error) {
      const { blame, code } = Failure.from(error)
      if (blame === 'transient' || code === 'unknown-process') return false
      throw error
    }
  }
  const reached = async (feed: FeedSpec): Promise<void> => {
    if (feed.kind === 'messages') await reach(feed.process)
  }
  return withOverrides(log, {
    async length(feed) {
      await reached(feed)
      return log.length(feed)
    },
    async block(feed, index) {
      const known = await log.block(feed, index)
      if (known !== undefined || feed.kind !== 'messages' || !(await reach(feed.process))) return known
      return log.block(feed, index)
    },
    async *blocks(feed, from, to) {
      await reached(feed)
      yield* log.blocks(feed, from, to)
    },
    messages: {
      async slotOf(process, id) {
        const known = await log.messages.slotOf(process, id)
        return known === undefined && (await reach(process)) ? log.messages.slotOf(process, id) : known
      },
      lacks: (process, id) => log.messages.lacks(process, id),
      forget: (process, places) => log.messages.forget(process, places),
      slotsOf: (process, ids) => log.messages.slotsOf(process, ids),
      placesOf: id => log.messages.placesOf(id),
    },
    directory: {
      addProcess: (description, envelope) => log.directory.addProcess(description, envelope),
      written: processes => log.directory.written(processes),
      process: describe,
      processAtHand: id => log.directory.processAtHand(id),
      async spawnEnvelope(id) {
        return (await describe(id)) === undefined ? undefined : log.directory.spawnEnvelope(id)
      },
      addEpoch: (process, item) => log.directory.addEpoch(process, item),
      epochItems: process => log.directory.epochItems(process),
      get handedOver() {
        return log.directory.handedOver
      },
      processes: options => log.directory.processes(options),
      addModule: item => log.directory.addModule(item),
      module: learnModule,
      async moduleItem(id) {
        return (await learnModule(id)) === undefined ? undefined : log.directory.moduleItem(id)
      },
      modules: options => log.directory.modules(options),
    },
  })
}
