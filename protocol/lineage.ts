import { parseDataItem, verifyDataItem } from './data-item.ts'
import { decodeEnvelope, type Envelope } from './frame.ts'
import { LINEAGE_MAX } from './limits.ts'
import { describeProcess, type ProcessDescription } from './process.ts'
import { refutePush } from './provenance.ts'
import { findTag, refuseDuplicateSystemTags } from './tags.ts'

/**
 * What a process is, proven by its spawn message; that of a child by those of its ancestors too, nearest first, up to the one
 * that a person signed. Nobody who gives them is believed.
 * @throws {Error} saying why they do not hold: `Failure`, `MalformedBytes` or plain
 */
export function provenProcess(envelopes: readonly Uint8Array[]): ProcessDescription {
  if (envelopes.length > LINEAGE_MAX) throw new Error(`more than ${LINEAGE_MAX} ancestors`)
  let parent: ProcessDescription | undefined
  for (const bytes of [...envelopes].reverse()) parent = provenSpawn(decodeEnvelope(bytes), parent)
  if (parent === undefined) throw new Error('there is no spawn message')
  return parent
}

/** @throws {Error} as `provenProcess` */
function provenSpawn(
  envelope: Envelope,
  parent: ProcessDescription | undefined,
): ProcessDescription {
  const description = describeProcess(envelope)
  const reason =
    envelope.kind === 'item'
      ? refuteItem(envelope.item, parent)
      : refuteChild(envelope, description, parent)
  if (reason !== undefined) throw new Error(`the spawn message of ${description.id}: ${reason}`)
  return description
}

function refuteItem(bytes: Uint8Array, parent: ProcessDescription | undefined): string | undefined {
  const item = parseDataItem(bytes)
  refuseDuplicateSystemTags(item.tags)
  if (parent !== undefined) return 'a person signed it, so it has no parent'
  if (findTag(item.tags, 'Type') !== 'Process') return 'it is no spawn'
  return verifyDataItem(item) ? undefined : 'its signature does not hold'
}

function refuteChild(
  envelope: Envelope,
  { parent: named }: ProcessDescription,
  parent: ProcessDescription | undefined,
): string | undefined {
  if (envelope.kind !== 'push' || envelope.proof === undefined) return 'it has no proof'
  if (parent === undefined || parent.id !== named)
    return 'the spawn message of its parent is missing'
  return refutePush(envelope.push, envelope.proof, parent)
}
