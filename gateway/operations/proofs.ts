import {
  type CertifiedResult,
  decodeFrame,
  encodeResultProof,
  type Envelope,
  Failure,
  findFrame,
  type FoundFrame,
  LINEAGE_MAX,
  messagesFeed,
  type Operations,
  type ProcessDescription,
  type ProcessId,
  proveInclusion,
  type ProvenMessage,
  type Slot,
  WAIT_DEFAULT_MS,
} from '../../protocol/index.ts'
import type { OperationParts } from '../parts.ts'
import { atPlace } from './at-place.ts'
import { knownProcess } from './processes.ts'

/** What proves things to whoever believes nobody, this node included. */
export function proofOperations(parts: OperationParts): Pick<Operations, 'proof'> {
  const { computer } = parts
  return {
    async proof({ process, at, message = false, output = false, wait_ms = WAIT_DEFAULT_MS }, { signal }) {
      const description = await knownProcess(parts, process)
      return atPlace(parts, { process, at }, { signal, timeoutMs: wait_ms }, async (slot, options) => {
        const certified = await computer.certified(process, slot, options)
        const frame = await findFrame(parts.log, messagesFeed(description), slot)
        if (frame === undefined) throw new Failure('unknown-slot', { process, slot })
        const lineage = await lineageOf(parts, description)
        return encodeResultProof({
          spawns: lineage.map(({ envelope }) => envelope),
          epochs: lineage.map(({ id }) => parts.log.directory.epochItems(id)),
          ...(await signedInclusion(parts, description, frame)),
          ...certifiedParts(certified),
          result: output ? certified.bytes : undefined,
          message: message ? messageIn(frame, slot) : undefined,
        })
      })
    },
  }
}

function certifiedParts({
  proof,
}: CertifiedResult): Pick<CertifiedResult['proof'], 'certificateBytes' | 'signatures' | 'resultHead' | 'resultPath'> {
  const { certificateBytes, signatures, resultHead, resultPath } = proof
  return { certificateBytes, signatures, resultHead, resultPath }
}

/** The spawn message of a process and those of its ancestors, nearest first. */
async function lineageOf(
  { log }: OperationParts,
  process: ProcessDescription,
): Promise<{ readonly id: ProcessId; readonly envelope: Uint8Array }[]> {
  const lineage: { id: ProcessId; envelope: Uint8Array }[] = []
  for (let next: ProcessDescription | undefined = process; next !== undefined; ) {
    const envelope = await log.directory.spawnEnvelope(next.id)
    if (envelope === undefined || lineage.length >= LINEAGE_MAX)
      throw new Failure('unknown-process', { process: next.id })
    lineage.push({ id: next.id, envelope })
    if (next.parent === undefined) return lineage
    const parent: ProcessDescription | undefined = await log.directory.process(next.parent)
    if (parent === undefined) throw new Failure('unknown-process', { process: next.parent })
    next = parent
  }
  return lineage
}

async function signedInclusion({ log }: OperationParts, process: ProcessDescription, { index }: FoundFrame) {
  const feed = messagesFeed(process)
  const { prologue } = process
  // What stands in the prologue is proven by the owner's record, and signed by nobody.
  const head =
    prologue !== undefined && index < prologue.length
      ? { length: prologue.length, signature: NO_SIGNATURE }
      : await log.head(feed)
  const inclusion = head && (await proveInclusion(log.trees, feed, index, head.length))
  if (head === undefined || inclusion === undefined) {
    throw new Failure(
      'unknown-slot',
      { process: process.id, block: index },
      { note: 'no signature of its schedulers over that block is here' },
    )
  }
  return { inclusion, headSignature: head.signature }
}

/** What stands in a slot, if it has an id of its own. */
function messageIn({ bytes, firstSlot }: FoundFrame, slot: Slot): ProvenMessage | undefined {
  const envelope = decodeFrame(bytes).assignments[slot - firstSlot]?.envelope
  return envelope && provenMessage(envelope.kind === 'assign' ? envelope.message : envelope)
}

function provenMessage(envelope: Envelope): ProvenMessage | undefined {
  if (envelope.kind === 'item') return { kind: 'item', item: envelope.item }
  if (envelope.kind !== 'push') return undefined
  const { coreBytes, bodyBytes } = envelope.push
  return { kind: 'push', coreBytes, bodyBytes }
}

const NO_SIGNATURE = new Uint8Array(0)
