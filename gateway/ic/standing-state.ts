import { encodeIc, toUtf8 } from '../../protocol/index.ts'
import type { StandingState } from './certifier.ts'
import type { IcKeys } from './keys.ts'
import type { StateLevel } from './state-tree.ts'
import { SubnetDelegation } from './subnet-delegation.ts'

/** All principals that a canister may have here, those of other networks' well-known canisters included: some clients look at the clock there. */
export const RANGE_START = new Uint8Array(10)
export const RANGE_END = new Uint8Array(29).fill(0xff)

/** The type of subnets on which users make canisters by themselves: no ledger is asked for the cycles. */
const SUBNET_TYPE = 'cloud_engine'

/** What a node says of its subnet, which is itself. Clients read no more than one shard of ranges rightly. */
export function standingState(keys: IcKeys): StandingState {
  const { subnetKey, subnetId, nodeId, nodeKey } = keys
  const ranges = encodeIc([[RANGE_START, RANGE_END]])
  const shown = {
    canisterRanges: whole([[subnetId, whole([[RANGE_START, ranges]])]]),
    subnet: whole([
      [
        subnetId,
        whole([
          [toUtf8('canister_ranges'), ranges],
          [toUtf8('node'), whole([[nodeId, whole([[toUtf8('public_key'), nodeKey]])]])],
          [toUtf8('public_key'), subnetKey],
          [toUtf8('type'), toUtf8(SUBNET_TYPE)],
        ]),
      ],
    ]),
  }
  return { ...shown, delegation: new SubnetDelegation(keys, shown) }
}

const whole = (entries: StateLevel['entries']): StateLevel => ({ entries, partial: false })
