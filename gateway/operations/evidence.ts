import { type EvidenceEntry, type EvidenceView, Failure, type Operations } from '../../protocol/index.ts'
import type { OperationParts } from '../parts.ts'

/** What this node knows of broken rules, and what somebody brings. */
export function evidenceOperations(
  parts: OperationParts,
): Pick<Operations, 'listEvidence' | 'evidence' | 'addEvidence'> {
  const { evidence } = parts
  return {
    async listEvidence(wanted) {
      const entries = evidence?.list(wanted) ?? []
      return { evidence: await Promise.all(entries.map(entry => show(parts, entry))) }
    },
    async evidence({ evidence: id }) {
      const entry = evidence?.get(id)
      if (entry === undefined) throw new Failure('not-found', { evidence: id })
      return entry.bytes
    },
    async addEvidence({ bytes }) {
      if (evidence === undefined) throw new Failure('bad-evidence', {}, { note: 'this node keeps none' })
      const { id, isNew } = await evidence.take(bytes)
      return { evidence: id, isNew }
    },
  }
}

async function show({ evidence }: OperationParts, entry: EvidenceEntry): Promise<EvidenceView> {
  const { id, kind, process, accused, length, slot, message, seenMs, bytes } = entry
  const settled = kind === 'complaint' ? await evidence?.isSettled(entry) : undefined
  return { id, kind, process, accused: [...accused], length, slot, message, seenMs, sizeBytes: bytes.length, settled }
}
