import {
  candidFields,
  candidRecord,
  type CandidType,
  encodeCandid,
  equalBytes,
  principalText,
} from '../../../protocol/index.ts'
import { REJECT, Rejected } from '../canister-trap.ts'
import type { CanisterNames } from '../instance.ts'
import type { Fields } from './fields.ts'

/** What evaluates canisters, as a client is told: of every unit the same, whatever program it runs, or their results would differ. */
const REPLICA_VERSION = 'atoll-canister-1'
/** There is no registry whose records could change. */
const REGISTRY_VERSION = 1n

const INFO: CandidType = { record: candidFields({ replica_version: 'text', registry_version: 'nat64' }) }
const METRICS: CandidType = {
  record: candidFields({ node_id: 'principal', num_blocks_proposed_total: 'nat64', num_block_failures_total: 'nat64' }),
}
const HISTORY: CandidType = {
  vec: { record: candidFields({ timestamp_nanos: 'nat64', node_metrics: { vec: METRICS } }) },
}

/** `subnet_info` of the canister's own subnet. @throws {Rejected} of any other */
export function subnetInfoReply(fields: Fields, names: CanisterNames): Uint8Array {
  checkSubnet(fields, names)
  return encodeCandid([[INFO, candidRecord({ replica_version: REPLICA_VERSION, registry_version: REGISTRY_VERSION })]])
}

/** `node_metrics_history` of the canister's own subnet: nobody proposes blocks there, so there are no samples. @throws {Rejected} */
export function nodeMetricsReply(fields: Fields, names: CanisterNames): Uint8Array {
  checkSubnet(fields, names)
  fields.nat('start_at_timestamp_nanos')
  return encodeCandid([[HISTORY, []]])
}

function checkSubnet(fields: Fields, { subnet }: CanisterNames): void {
  const asked = fields.principal('subnet_id')
  if (!equalBytes(asked, subnet))
    throw new Rejected('IC0404', `subnet ${principalText(asked)} not found`, REJECT.destination)
}
