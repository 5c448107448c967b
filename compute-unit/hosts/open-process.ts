import { equalBytes, Failure, type Log, type ModuleId, type ProcessDescription } from '../../protocol/index.ts'
import { type CertifiedUpTo, certifiedCheckpoints } from '../kept/certified-checkpoints.ts'
import type { Checkpoints } from '../kept/checkpoints.ts'
import type { ProcessSnapshot } from '../evaluation/index.ts'
import { damaged } from './faults.ts'
import type { HostSeat } from './host-pool.ts'
import { loadModules, modulesOf } from '../kept/named-modules.ts'
import type { HostAnswer } from './host-words.ts'

/** What a host has open. */
export interface OpenedProcess {
  /** Blocks of the feed that its state is after. */
  readonly blocks: number
  readonly sizeBytes: number
  /** The host's, as it was opened. */
  readonly generation: number
}

/** Opens a process in a host: at the newest checkpoint whose state has the root that stands in `results`, else at slot 0. */
export async function openProcess(
  { log, checkpoints }: { readonly log: Log; readonly checkpoints: Checkpoints },
  process: ProcessDescription,
  seat: HostSeat,
  upTo: CertifiedUpTo,
): Promise<OpenedProcess> {
  const find = modulesOf(log.directory)
  const spawn = await log.directory.spawnEnvelope(process.id)
  if (spawn === undefined) throw new Failure('unknown-process', { process: process.id })
  using _own = await loadModules(seat, [process.module], find)
  const { generation } = seat
  const open = async (module: ModuleId, snapshot?: ProcessSnapshot): Promise<HostAnswer> => {
    using _module = await loadModules(seat, [module], find)
    return await seat.ask({ kind: 'open', process: process.id, module, spawn, snapshot })
  }
  for await (const { head, snapshot } of certifiedCheckpoints({ log, checkpoints }, process.id, upTo)) {
    const answer = await open(head.module, snapshot).catch(damaged)
    if (answer?.kind !== 'opened' || !equalBytes(answer.stateRoot, head.stateRoot)) continue
    if (snapshot?.isNewest !== true) await checkpoints.dropAfter(process.id, head.slots)
    return { blocks: head.blocks, sizeBytes: answer.sizeBytes, generation }
  }
  await checkpoints.dropAfter(process.id, 0)
  const answer = await open(process.module)
  if (answer.kind !== 'opened') throw new Failure('host-fault', { answer: answer.kind })
  return { blocks: 0, sizeBytes: answer.sizeBytes, generation }
}
