import { availableParallelism } from 'node:os'
import type { ComputeUnit } from '../compute-unit/index.ts'
import type { NodeAdmin } from '../gateway/index.ts'
import type { Log } from '../protocol/index.ts'
import { VERSION } from './version.ts'

export interface AdminParts {
  readonly log: Log
  readonly computer: ComputeUnit
  readonly options: { readonly data: string; readonly onShutdown?: (() => void) | undefined }
}

/** What those who hold the admin token may do. */
export function createAdmin({ log, computer, options }: AdminParts): NodeAdmin {
  return {
    async status() {
      const memory = process.memoryUsage()
      return {
        version: VERSION,
        data: options.data,
        cores: availableParallelism(),
        residentBytes: memory.rss,
        heapBytes: memory.heapUsed,
        hostPids: computer.hostPids.join(' '),
        recoveredBlocks: log.recovered.length,
      }
    },
    async checkpoint(process) {
      if (process === undefined) return computer.checkpointAll()
      await computer.checkpoint(process)
      return 1
    },
    shutdown() {
      options.onShutdown?.()
    },
  }
}
