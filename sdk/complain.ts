import { type CallOptions, ed25519PublicKey, encodeComplaint, Failure, generateEd25519Seed, makeComplaint, type OperationOutput, readComplaint } from '../protocol/index.ts'
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

/** Signs a complaint and hands it in. @throws {Failure} `bad-evidence` if it is none */
export async function complain(
  transport: Transport,
  { item, sinceMs, untilMs = Date.now(), seed = generateEd25519Seed() }: ComplaintFields,
  options?: CallOptions,
): Promise<OperationOutput<'addEvidence'>> {
  const complaint = makeComplaint({ item, sinceMs, untilMs, witness: { key: ed25519PublicKey(seed), seed } })
  const facts = readComplaint(complaint)
  if (typeof facts === 'string') throw new Failure('bad-evidence', {}, { note: facts })
  return transport.request('addEvidence', { bytes: encodeComplaint(complaint) }, options)
}
