import {
  ALL_LIMITS,
  FAILURES,
  type FailureCode,
  failureNumber,
  NEXT_STEPS,
  type OperationOutput,
  type Operations,
} from '../../protocol/index.ts'
import type { OperationParts } from '../parts.ts'

/** The node itself: what it is, what can fail, and what only those who run it may do. */
export function nodeOperations(
  parts: OperationParts,
): Pick<Operations, 'node' | 'failures' | 'adminStatus' | 'adminCheckpoint' | 'adminBackup' | 'adminShutdown'> {
  const { nodeInfo, scheduler, computer, clock, admin } = parts
  // These are made when the node starts; by the date it would have run for hours once somebody sets that.
  const openedMs = clock.elapsed()
  const own = async () => ({ scheduler: scheduler.key, computeUnit: computer.key })
  const { unitsToName = own } = parts
  return {
    async node() {
      const { key, version, units, formats, startedMs, peerId, addresses, linkedPeers } = nodeInfo()
      const uptimeMs = clock.elapsed() - openedMs
      return {
        key,
        version,
        units,
        ...(peerId !== undefined && { peerId }),
        ...(addresses !== undefined && { addresses }),
        ...(linkedPeers !== undefined && { peers: linkedPeers }),
        formats,
        startedMs,
        uptimeMs,
        ...(await unitsToName()),
        limits: ALL_LIMITS,
      }
    },
    async failures() {
      return { failures: (Object.keys(FAILURES) as FailureCode[]).map(showFailure) }
    },
    async adminStatus() {
      return { facts: await admin.status() }
    },
    async adminBackup({ folder }) {
      const startedMs = clock.elapsed()
      await admin.backUp(folder)
      return { folder, ms: Math.max(0, clock.elapsed() - startedMs) }
    },
    async adminCheckpoint({ process }) {
      return { checkpoints: await admin.checkpoint(process) }
    },
    async adminShutdown() {
      admin.shutdown()
      return { stopping: true }
    },
  }
}

function showFailure(code: FailureCode): OperationOutput<'failures'>['failures'][number] {
  const { blame, status, title } = FAILURES[code]
  return { code, number: failureNumber(code), blame, status, title, next: NEXT_STEPS[code] }
}
