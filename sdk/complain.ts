import {
  type CallOptions,
  ed25519PublicKey,
  encodeComplaint,
  Failure,
  generateEd25519Seed,
  makeComplaint,
  type OperationOutput,
  readComplaint,
} from '../protocol/index.ts'
import type { Transport } from './transport.ts'

/** What a client says of a message that has no receipt. */
export interface ComplaintFields {
  /** The signed message, as `prepare` made it. */
  readonly item: Uint8Array
  /** When it was handed in first, in milliseconds since 1970. */
  readonly sinceMs: number
  /** Until when there was no receipt; now, if not given. */
  readonly untilMs?: number | undefined
  /** Seed of the Ed25519 key whose word it is; a new one, if not given: then nobody knows whose. */
  readonly seed?: Uint8Array | undefined
}

/** What a client says of schedulers, for all nodes to see. */
export interface ComplaintCalls {
  /**
   * Says that a message which was handed in has no receipt. It proves no fault of the scheduler, and is settled once the message
   * stands in the feed. @throws {Failure} `bad-evidence` if it is no signed message, or nobody has waited
   */
  complain(fields: ComplaintFields, options?: CallOptions): Promise<OperationOutput<'addEvidence'>>
}

export function complaintCalls(transport: Transport): ComplaintCalls {
  return {
    async complain({ item, sinceMs, untilMs = Date.now(), seed = generateEd25519Seed() }, options) {
      const complaint = makeComplaint({ item, sinceMs, untilMs, witness: { key: ed25519PublicKey(seed), seed } })
      const facts = readComplaint(complaint)
      if (typeof facts === 'string') throw new Failure('bad-evidence', {}, { note: facts })
      return transport.request('addEvidence', { bytes: encodeComplaint(complaint) }, options)
    },
  }
}
