// Makes proofs.json: run once; what it holds stays as it is.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  certificateMessage,
  ed25519PublicKey,
  ed25519Sign,
  encodeCertificate,
  encodeComplaint,
  encodeEnvelope,
  encodeEquivocation,
  encodeFault,
  encodeFrame,
  type Envelope,
  envelopeId,
  equivocationOf,
  makeComplaint,
  messagesFeed,
  toHex,
} from '../../../protocol/index.ts'
import { MemoryLog } from '../../fakes/memory-log.ts'
import { ProvenProcess } from '../../fakes/proven-process.ts'
import { messageItem, seedOf } from '../../fakes/signed-items.ts'

const process = await ProvenProcess.open([11, 12, 13], 2, [2, 5, 1])
const proof = await process.proof(5, { message: true, output: true })

async function twin(data: string): Promise<MemoryLog> {
  const log = MemoryLog.open()
  log.signWith(seedOf(1))
  const envelopes: Envelope[] = [
    { kind: 'item', item: shared.bytes },
    { kind: 'item', item: messageItem(process.id, { data }).bytes },
  ]
  for (const [index, envelope] of envelopes.entries()) {
    const bytes = encodeFrame(index, [{ timestampMs: 1000 + index, envelopeBytes: encodeEnvelope(envelope) }])
    await log.commit([
      {
        feed: messagesFeed(process.description),
        index,
        bytes,
        ids: [envelopeId(envelope, process.id, index)],
        firstSlot: index,
      },
    ])
  }
  return log
}

const shared = messageItem(process.id)
const feed = messagesFeed(process.description)
const [held, seen] = await Promise.all([(await twin('one')).prefix(feed, 2), (await twin('other')).prefix(feed, 2)])
if (held === undefined || seen === undefined) throw new Error('no prefix')

function says(unit: number, state: number) {
  const certificateBytes = encodeCertificate({
    process: process.id,
    firstSlot: 1,
    count: 2,
    frameHash: new Uint8Array(32).fill(1),
    resultsRoot: new Uint8Array(32).fill(3),
    stateRoot: new Uint8Array(32).fill(state),
    gas: 14n,
  })
  return {
    unit,
    certificateBytes,
    signature: ed25519Sign(seedOf(process.units[unit] ?? 0), certificateMessage(certificateBytes)),
  }
}

const [liar, first, second] = [says(1, 9), says(0, 4), says(2, 4)]
const witness = { seed: seedOf(50), key: ed25519PublicKey(seedOf(50)) }
const vectors = {
  process: process.id,
  spawn: toHex(process.spawn),
  result: { slot: 5, output: 'answer 5', proof: toHex(proof) },
  equivocation: { length: 2, proof: toHex(encodeEquivocation(equivocationOf({ feed, held, seen }))) },
  fault: {
    unit: 1,
    proof: toHex(
      encodeFault({
        process: process.id,
        ...liar,
        other: { certificateBytes: first.certificateBytes, signatures: [first, second] },
      }),
    ),
  },
  complaint: {
    message: shared.id,
    complaint: toHex(encodeComplaint(makeComplaint({ item: shared.bytes, sinceMs: 1_000, untilMs: 11_500, witness }))),
  },
}
writeFileSync(join(import.meta.dirname, '../proofs.json'), `${JSON.stringify(vectors, undefined, 2)}\n`)
