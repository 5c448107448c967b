import { cp } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { isAbsolute, join } from 'node:path'
import type { ComputeUnit } from '../../compute-unit/index.ts'
import type { NodeAdmin } from '../../gateway/index.ts'
import { HypercoreLog } from '../../log/index.ts'
import { Failure, type Log } from '../../protocol/index.ts'
import { VERSION } from '../version.ts'

export interface AdminParts {
  /** Blocks that the journal gave back when the node opened. */
  readonly recoveredBlocks: number
  readonly computer: ComputeUnit
  readonly log: Log
  readonly options: { readonly data: string; readonly onShutdown?: (() => void) | undefined }
}

/** What those who hold the admin token may do. */
export function createAdmin({ recoveredBlocks, computer, log, options }: AdminParts): NodeAdmin {
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
    async backUp(folder) {
      if (!isAbsolute(folder)) throw new Failure('bad-config', { folder }, { note: 'the path of a backup is absolute' })
      if (!(log instanceof HypercoreLog))
        throw new Failure('bad-config', {}, { note: 'the log of this node is not on disk' })
      await log.backUp(folder)
      await cp(join(options.data, 'keys'), join(folder, 'keys'), { recursive: true, preserveTimestamps: true })
    },
    shutdown() {
      options.onShutdown?.()
    },
  }
}
