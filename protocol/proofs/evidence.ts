import { MalformedBytes, toBase64Url } from '../codec/bytes.ts'
import { CborReader } from '../codec/cbor.ts'
import { type Complaint, decodeComplaint } from './complaint.ts'
import { decodeEquivocation, type EquivocationProof } from './equivocation.ts'
import type { KeyId, MessageId, ProcessId, Slot } from '../ids.ts'
import { EVIDENCE_SIZE_MAX_BYTES } from '../limits/limits.ts'
import { domainHash } from '../crypto/merkle.ts'
import { readSmall } from '../process/push.ts'
import { decodeFault, type UnitFault } from './unit-fault.ts'

/** What shows, or says, that somebody broke the rules; it travels from node to node as bytes. */
export type EvidenceRecord =
  | { readonly kind: 'equivocation'; readonly proof: EquivocationProof }
  | { readonly kind: 'fault'; readonly fault: UnitFault }
  | { readonly kind: 'complaint'; readonly complaint: Complaint }

export const EVIDENCE_KINDS = ['equivocation', 'fault', 'complaint'] as const
export type EvidenceKind = (typeof EVIDENCE_KINDS)[number]

/** The second field of each kind is its number. @throws {MalformedBytes} */
export function decodeEvidence(bytes: Uint8Array): EvidenceRecord {
  if (bytes.length > EVIDENCE_SIZE_MAX_BYTES)
    throw new MalformedBytes(`evidence: more than ${EVIDENCE_SIZE_MAX_BYTES} bytes`, 0)
  const reader = new CborReader(bytes)
  reader.array()
  reader.uint()
  const kind = EVIDENCE_KINDS[readSmall(reader)]
  switch (kind) {
    case 'equivocation':
      return { kind, proof: decodeEquivocation(bytes) }
    case 'fault':
      return { kind, fault: decodeFault(bytes) }
    case 'complaint':
      return { kind, complaint: decodeComplaint(bytes) }
    default:
      throw new MalformedBytes('evidence: unknown kind', reader.offset)
  }
}

/** By which a piece of evidence is known: 43 characters. */
export function evidenceId(bytes: Uint8Array): string {
  return toBase64Url(domainHash('atoll/evidence/1', bytes))
}

/** A piece of evidence that was checked here. */
export interface EvidenceEntry {
  readonly id: string
  readonly kind: EvidenceKind
  readonly process: ProcessId
  /** Keys of whom it accuses; who ought to have given a receipt, for a complaint. */
  readonly accused: readonly KeyId[]
  /** Of an equivocation: the length of both trees. */
  readonly length: number | undefined
  /** Of an equivocation: whose feed it was. */
  readonly epoch: number | undefined
  /** Of a fault: the first slot of the frame. */
  readonly slot: Slot | undefined
  /** Of a complaint. */
  readonly message: MessageId | undefined
  /** When it came here, in milliseconds since 1970. */
  readonly seenMs: number
  readonly bytes: Uint8Array
}
