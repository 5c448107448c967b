import { availableParallelism } from 'node:os'
import type { ComputeUnit } from '../compute-unit/index.ts'
import type { NodeAdmin } from '../gateway/index.ts'
import { VERSION } from './version.ts'

export interface AdminParts {
  /** Blocks that the journal gave back when the node opened. */
  readonly recoveredBlocks: number
  readonly computer: ComputeUnit
  readonly options: { readonly data: string; readonly onShutdown?: (() => void) | undefined }
}

/** What those who hold the admin token may do. */
export function createAdmin({ recoveredBlocks, computer, options }: AdminParts): NodeAdmin {
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
        recoveredBlocks: recoveredBlocks,
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
