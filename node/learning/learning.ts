import {
  type Clock,
  findByPrincipal,
  type Log,
  type ModuleDescription,
  type ModuleId,
  type Peers,
  type ProcessDescription,
  type ProcessId,
} from '../../protocol/index.ts'
import { LearnedModules } from './learned-modules.ts'
import { LearnedProcesses } from './learned-processes.ts'

/** Processes and modules, wherever they are known: here, or with other nodes, whose word is checked. */
export interface Learning {
  describe(process: ProcessId): Promise<ProcessDescription | undefined>
  /** The process that a principal names. */
  canister(principal: Uint8Array): Promise<ProcessDescription | undefined>
  learnModule(module: ModuleId): Promise<ModuleDescription | undefined>
}

export function learning({
  log: { directory },
  peers,
  clock,
  learned,
}: {
  log: Log
  peers?: Peers | undefined
  clock: Clock
  learned?: LearnedProcesses | undefined
}): Learning {
  if (peers === undefined) {
    return {
      describe: async id => directory.process(id),
      canister: async principal => findByPrincipal(directory, principal),
      learnModule: async id => directory.module(id),
    }
  }
  const processes = learned ?? new LearnedProcesses({ directory, peers, clock })
  const modules = new LearnedModules({ directory, peers })
  return {
    describe: id => processes.process(id),
    canister: principal => processes.canister(principal),
    learnModule: id => modules.module(id),
  }
}
