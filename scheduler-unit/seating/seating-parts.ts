import type { Clock, Log, ProcessDescription, ProcessId, Push } from '../../protocol/index.ts'
import type { Lanes } from '../lanes/lanes.ts'
import type { AdmissionParts } from './admission.ts'
import type { KnownReceipts } from './known-receipts.ts'
import type { SignerRates } from './signer-rates.ts'

/** What it takes to give messages their slots. */
export interface SeatingParts extends Pick<AdmissionParts, 'notary'> {
  readonly log: Log
  readonly clock: Clock
  readonly lanes: Lanes
  readonly rates: SignerRates
  readonly receipts: KnownReceipts
  /** A process that sends or is written to, here or elsewhere. @throws {Failure} `unknown-process` */
  describe(process: ProcessId): Promise<ProcessDescription>
  /** Whether processes of that module take assigned messages. */
  assignable(process: ProcessDescription): Promise<boolean>
  /** A process sends that was handed over as far as it says, and this node has not heard of that. */
  isBehind?(process: ProcessId): void
  /** Whether this node's own compute unit, with this very key, attests the push: then it needs no proof. */
  attests?(push: Push): boolean
}
