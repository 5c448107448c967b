import type {
  Clock,
  Log,
  ModuleDescription,
  ModuleId,
  Peers,
  ProcessDescription,
  ProcessId,
} from '../protocol/index.ts'
import { LearnedModules } from './learned-modules.ts'
import { LearnedProcesses } from './learned-processes.ts'

/** Processes and modules, wherever they are known: here, or with other nodes, whose word is checked. */
export interface Learning {
  describe(process: ProcessId): Promise<ProcessDescription | undefined>
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
      learnModule: async id => directory.module(id),
    }
  }
  const processes = learned ?? new LearnedProcesses({ directory, peers, clock })
  const modules = new LearnedModules({ directory, peers })
  return { describe: id => processes.process(id), learnModule: id => modules.module(id) }
}
