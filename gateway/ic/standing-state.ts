import { encodeIc, toUtf8 } from '../../protocol/index.ts'
import type { StandingState } from './certifier.ts'
import type { IcKeys } from './keys.ts'
import type { StateLevel, StateSource } from './state-tree.ts'
import { SubnetDelegation } from './subnet-delegation.ts'

/** All principals that a canister may have here, those of other networks' well-known canisters included: some clients look at the clock there. */
export const RANGE_START = new Uint8Array(10)
export const RANGE_END = new Uint8Array(29).fill(0xff)

/** The type of subnets on which users make canisters by themselves: no ledger is asked for the cycles. */
const SUBNET_TYPE = 'cloud_engine'

type Shown = Pick<StandingState, 'subnet' | 'canisterRanges'>

/** What a node says of its subnet, which is itself; put together when it is first asked for. */
export class OwnSubnet implements StandingState {
  readonly #keys: IcKeys
  #shown: Shown | undefined
  #delegation: SubnetDelegation | undefined

  constructor(keys: IcKeys) {
    this.#keys = keys
  }

  get subnet(): StateSource {
    return this.#all().subnet
  }

  get canisterRanges(): StateSource {
    return this.#all().canisterRanges
  }

  get delegation(): SubnetDelegation {
    this.#delegation ??= new SubnetDelegation(this.#keys, this.#all())
    return this.#delegation
  }

  #all(): Shown {
    this.#shown ??= shownOf(this.#keys)
    return this.#shown
  }
}

/** Clients read no more than one shard of ranges rightly. */
function shownOf({ subnetKey, subnetId, nodeId, nodeKey }: IcKeys): Shown {
  const ranges = encodeIc([[RANGE_START, RANGE_END]])
  return {
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
}

const whole = (entries: StateLevel['entries']): StateLevel => ({ entries, partial: false })
