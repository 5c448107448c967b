import { parseDataItem, verifyDataItem } from '../items/data-item.ts'
import { speaksTooLate } from '../epochs/epoch-policy.ts'
import { provenEpochs } from '../epochs/epoch-record.ts'
import { decodeEnvelope, type Envelope } from '../feeds/frame.ts'
import { LINEAGE_MAX } from '../limits/limits.ts'
import { describeProcess, type ProcessDescription } from './process.ts'
import { refutePush } from './provenance.ts'
import { refuseDuplicateSystemTags, typeOf } from '../items/tags.ts'

/**
 * What a process is, proven by its spawn message; that of a child by those of its ancestors too, nearest first, up to the one
 * that a person signed. `epochs` are the signed items of the epoch records of each, in the same order; none, where they are not given.
 * Nobody who gives any of it is believed.
 * @throws {Error} saying why they do not hold: `Failure`, `MalformedBytes` or plain
 */
export function provenProcess(
  envelopes: readonly Uint8Array[],
  epochs: readonly (readonly Uint8Array[])[] = [],
): ProcessDescription {
  if (envelopes.length > LINEAGE_MAX) throw new Error(`more than ${LINEAGE_MAX} ancestors`)
  let parent: ProcessDescription | undefined
  let owner = ''
  for (const [at, bytes] of [...envelopes.entries()].reverse()) {
    const spawned = provenSpawn(decodeEnvelope(bytes), parent)
    // Whoever signed the spawn message of the eldest may hand all of them over.
    if (parent === undefined) owner = spawned.owner
    parent = provenEpochs(spawned, epochs[at] ?? [], owner)
  }
  if (parent === undefined) throw new Error('there is no spawn message')
  return parent
}

/** A process as it was spawned; `parent`, if it has one, is proven, in its present epoch. @throws {Error} as `provenProcess` */
export function provenSpawn(envelope: Envelope, parent: ProcessDescription | undefined): ProcessDescription {
  const description = describeProcess(envelope)
  const reason =
    envelope.kind === 'item' ? refuteItem(envelope.item, parent) : refuteChild(envelope, description, parent)
  if (reason !== undefined) throw new Error(`the spawn message of ${description.id}: ${reason}`)
  return description
}

function refuteItem(bytes: Uint8Array, parent: ProcessDescription | undefined): string | undefined {
  const item = parseDataItem(bytes)
  refuseDuplicateSystemTags(item.tags)
  if (parent !== undefined) return 'a person signed it, so it has no parent'
  if (typeOf(item.tags) !== 'Process') return 'it is no spawn'
  return verifyDataItem(item) ? undefined : 'its signature does not hold'
}

function refuteChild(
  envelope: Envelope,
  { parent: named }: ProcessDescription,
  parent: ProcessDescription | undefined,
): string | undefined {
  if (envelope.kind !== 'push' || envelope.proof === undefined) return 'it has no proof'
  if (parent === undefined || parent.id !== named) return 'the spawn message of its parent is missing'
  const { push, proof } = envelope
  const isLate = proof.signatures.some(({ unit }) => speaksTooLate(parent, unit, push.core.slot))
  return isLate ? 'the compute units of its parent were others then' : refutePush(push, proof, parent)
}
