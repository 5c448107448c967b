import { join } from 'node:path'
import { Metrics } from '../gateway/index.ts'
import { HypercoreLog } from '../log/index.ts'
import type { Failure, Log, ModuleId, ProcessId } from '../protocol/index.ts'
import { openEffects } from './effects.ts'
import { openKeystore, privateFolder } from './keystore.ts'
import { createLogger, type NodeLogger } from './logger.ts'
import { isAmongOthers, knowsPeers } from './network-options.ts'
import type { NodeOptions } from './node-options.ts'
import { evidencePeers, openEvidence } from './opening/open-evidence.ts'
import { openHandovers } from './opening/open-handovers.ts'
import { systemClock } from './system-clock.ts'

export type Foundation = Awaited<ReturnType<typeof layFoundation>>

/** What the units of a node stand on: keys, the log, other nodes, and what is known of who broke the rules. */
export async function layFoundation(options: NodeOptions, keep: (resource: AsyncDisposable) => void) {
  const logger = options.logger ?? createLogger('warn')
  const clock = options.clock ?? systemClock
  await privateFolder(options.data)
  const keys = await openKeystore(join(options.data, 'keys'))
  const effects = await openEffects(keys, options)
  const log = await openLog(options, keys.seed, logger)
  keep(log)
  const metrics = new Metrics()
  const trouble = (what: string, failure: Failure): void =>
    logger.warn({ what, code: failure.code, ...failure.details, ...causeOf(failure) }, failure.message)
  const others = isAmongOthers(options) ? await import('./opening/among-others.ts') : undefined
  const joined = await others?.joinNetwork({ keys, logger, options, log, clock, metrics, trouble }, keep)
  const learned = joined?.learned
  const describe = async (id: ProcessId) => (learned === undefined ? log.directory.process(id) : learned.process(id))
  const handovers = openHandovers({ key: keys.key, log, clock, trouble }, joined)
  const evidence = await openEvidence({
    epochs: (process, here, there, peer) => handovers.met(process, here, there, peer),
    ...keys,
    log,
    clock,
    describe,
    peers: joined && evidencePeers(joined.network),
    trouble,
  })
  keep({ [Symbol.asyncDispose]: async () => evidence[Symbol.dispose]() })
  return { logger, clock, keys, effects, log, metrics, trouble, others, joined, learned, describe, handovers, evidence }
}

function causeOf({ cause }: Failure): { readonly cause?: string } {
  return cause instanceof Error ? { cause: cause.message } : {}
}

async function openLog(options: NodeOptions, seed: Uint8Array, logger: NodeLogger): Promise<Log> {
  if (options.openLog !== undefined) return options.openLog({ seed })
  const { data: directory, acceptRestored } = options
  const onProgress = ({ phase, done, total }: { phase: string; done: number; total: number }): void =>
    logger.info({ phase, done, total }, 'opening the data folder')
  const asksOthers = knowsPeers(options)
  const onDamagedModule = (module: ModuleId): void =>
    logger.warn(
      { module },
      'the file of a module was damaged: it is removed, and fetched from peers or to be added again',
    )
  const log = await HypercoreLog.open({
    directory,
    keySeed: seed,
    acceptRestored,
    asksOthers,
    onProgress,
    onDamagedModule,
  })
  if (log.restored)
    logger.warn(
      { data: directory },
      'the data folder was restored: feeds are taken back from peers before anything is written to them',
    )
  for (const { feed, failure } of log.frozen) {
    logger.error({ process: feed.process, code: failure.code, ...failure.details }, failure.message)
  }
  return log
}
