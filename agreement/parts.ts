import {
  type Attestation,
  type Attested,
  type CallOptions,
  type CertifiedResult,
  type Certificate,
  type Clock,
  type Computer,
  type Evidence,
  type Failure,
  type KeyId,
  type Log,
  type ProcessDescription,
  type ProcessId,
  type Result,
  type Sending,
  type Slot,
  type UnitPeers,
  unitPosition,
} from '../protocol/index.ts'

/** A frame as this node's own compute unit certified it. */
export interface OwnFrame {
  /** Where in its feed it stands. */
  readonly index: number
  readonly count: number
  readonly certificateBytes: Uint8Array
  readonly results: { readonly firstSlot: Slot; readonly bytes: Uint8Array }
}

/** This node's own compute unit: it speaks for itself alone. */
export interface OwnUnit extends Computer {
  /** Evaluates what stands in the feed of a process; returns at once. */
  catchUp(process: ProcessId): void
  /** The evaluated frame that holds `slot`. @throws {Failure} `unknown-slot` */
  frameAt(process: ProcessDescription, slot: Slot): Promise<OwnFrame>
  /** Signs a certificate outside its feed. */
  sign(certificateBytes: Uint8Array): Uint8Array
}

export interface AgreementParts {
  /** Of this node's own compute unit, as processes name it; nobody's, at a node that shall not compute. */
  readonly key: KeyId
  readonly unit: OwnUnit
  readonly log: Log
  readonly clock: Clock
  /** Compute units elsewhere; without them, only this node's own counts. */
  readonly peers?: UnitPeers | undefined
  readonly evidence?: Evidence | undefined
  /** A process, here or elsewhere. @throws {Failure} `unreachable` */
  describe(process: ProcessId): Promise<ProcessDescription | undefined>
  /** A frame is final; the results in `sending` ask for something to be sent. Of one process in order, each once a run. */
  final(process: ProcessDescription, certificate: Certificate, sending: readonly Sending[]): void
  readonly trouble?: ((process: ProcessId, failure: Failure) => void) | undefined
}

/** How results of one process are read. */
export interface Way {
  result(slot: Slot, options?: CallOptions): Promise<Result>
  attested(slot: Slot): Promise<Attested>
  certified(slot: Slot, options?: CallOptions): Promise<CertifiedResult>
  results(from: Slot, to: Slot, options?: CallOptions): AsyncIterable<Result>
  evaluated(): Promise<Slot>
}

/** The compute units of a process that are with other nodes. */
export function unitsElsewhere({ policy }: ProcessDescription, key: KeyId): readonly KeyId[] {
  return policy.computeUnits.filter(unit => unit !== key)
}

/** Position of a unit in the policy of a process; -1 if its word does not count there. */
export const positionOf = ({ policy }: ProcessDescription, unit: KeyId): number => unitPosition(policy, unit)

/** Whether two attestations say the same. */
export function sameWord(a: Attestation, b: Attestation): boolean {
  const [left, right] = [a.certificateBytes, b.certificateBytes]
  return left.length === right.length && left.every((byte, i) => byte === right[i])
}
