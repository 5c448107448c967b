import { encodeIc, toUtf8 } from '../../protocol/index.ts'
import type { StandingState } from './certifier.ts'
import type { IcKeys } from './keys.ts'
import type { StateLevel } from './state-tree.ts'

/** All principals that a canister may have here, those of other networks' well-known canisters included: some clients look at the clock there. */
export const RANGE_START = new Uint8Array(10)
export const RANGE_END = new Uint8Array(29).fill(0xff)

/** What a node says of its subnet, which is itself. Clients read no more than one shard of ranges rightly. */
export function standingState({ rootKey, subnetId, nodeId, nodeKey }: IcKeys): StandingState {
  const ranges = encodeIc([[RANGE_START, RANGE_END]])
  return {
    delegation: undefined,
    canisterRanges: whole([[subnetId, whole([[RANGE_START, ranges]])]]),
    subnet: whole([
      [
        subnetId,
        whole([
          [toUtf8('canister_ranges'), ranges],
          [toUtf8('node'), whole([[nodeId, whole([[toUtf8('public_key'), nodeKey]])]])],
          [toUtf8('public_key'), rootKey],
          [toUtf8('type'), toUtf8('application')],
        ]),
      ],
    ]),
  }
}

const whole = (entries: StateLevel['entries']): StateLevel => ({ entries, partial: false })
