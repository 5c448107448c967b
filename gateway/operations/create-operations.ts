import type { Operations } from '../../protocol/index.ts'
import type { OperationParts } from '../parts.ts'
import { epochOperations } from './epochs.ts'
import { evidenceOperations } from './evidence.ts'
import { feedOperations } from './feeds.ts'
import { lifecycleOperations } from './lifecycle.ts'
import { messageOperations } from './messages.ts'
import { moduleOperations } from './modules.ts'
import { nodeOperations } from './node.ts'
import { peerOperations } from './peers.ts'
import { processOperations } from './processes.ts'
import { proofOperations } from './proofs.ts'
import { resultOperations } from './results.ts'
import { slotOperations } from './slots.ts'
import { traceOperations } from './traces.ts'

/** Every operation of the table, carried out by the units of one node. Knows nothing of HTTP. */
export function createOperations(parts: OperationParts): Operations {
  return {
    ...messageOperations(parts),
    ...moduleOperations(parts),
    ...processOperations(parts),
    ...slotOperations(parts),
    ...resultOperations(parts),
    ...proofOperations(parts),
    ...evidenceOperations(parts),
    ...epochOperations(parts),
    ...traceOperations(parts),
    ...lifecycleOperations(parts),
    ...nodeOperations(parts),
    ...peerOperations(parts),
    ...feedOperations(parts),
  }
}
