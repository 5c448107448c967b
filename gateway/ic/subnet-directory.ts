import { type CandidType, encodeCandid, equalBytes, principalFromText } from '../../protocol/index.ts'

/** The canister that knows, on every network of the IC, on which subnets canisters can be made. None here has its principal. */
const DIRECTORY = principalFromText('rkp4c-7iaaa-aaaaa-aaaca-cai')
const PRINCIPALS: CandidType = { vec: 'principal' }

/** What tools ask before they make a canister, and where that is: on the one subnet of this node. Nothing, if they ask something else. */
export function subnetsReply(canister: Uint8Array, method: string, subnetId: Uint8Array): Uint8Array | undefined {
  if (method !== 'get_default_subnets' || !equalBytes(canister, DIRECTORY)) return undefined
  return encodeCandid([[PRINCIPALS, [{ principal: subnetId }]]])
}
