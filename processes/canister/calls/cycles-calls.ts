import { CanisterTrap } from '../canister-trap.ts'
import type { Host, SystemFunctions } from './host.ts'

const MAX_64 = (1n << 64n) - 1n

/** Cycles: counted in 128 bits, taken for nothing but what canisters give each other. */
export function cyclesCalls(host: Host): SystemFunctions {
  const put = (to: number, value: bigint): undefined => {
    host.heap.write128(to, value)
  }
  const accept = (max: bigint): bigint => {
    const { execution } = host
    const amount = least(max, execution.available)
    execution.available -= amount
    execution.state.cycles += amount
    return amount
  }
  const available = (): bigint => (host.execution.response === undefined ? host.execution.available : 0n)
  const free = (to: number): undefined => put(to, 0n)
  const freeKey = (_key: number, _length: number, _kind: number, to: number): number => {
    put(to, 0n)
    // There is no such key here, whatever its name.
    return 1
  }
  return {
    msg_cycles_available: () => in64(available()),
    msg_cycles_available128: (to: number) => put(to, available()),
    msg_cycles_refunded: () => in64(host.execution.entry.refunded ?? 0n),
    msg_cycles_refunded128: (to: number) => put(to, host.execution.entry.refunded ?? 0n),
    msg_cycles_accept: (max: bigint) => signed(accept(BigInt.asUintN(64, max))),
    msg_cycles_accept128: (high: bigint, low: bigint, to: number) => put(to, accept(wide(high, low))),
    cycles_burn128: (high: bigint, low: bigint, to: number) => {
      const { state } = host.execution
      const asked = wide(high, low)
      const amount = least(asked, host.execution.liquidCycles())
      state.cycles -= amount
      return put(to, amount)
    },
    canister_cycle_balance: () => in64(host.execution.state.cycles),
    canister_cycle_balance128: (to: number) => put(to, host.execution.state.cycles),
    canister_liquid_cycle_balance128: (to: number) => put(to, host.execution.liquidCycles()),
    cost_call: (_name: bigint, _payload: bigint, to: number) => free(to),
    cost_create_canister: free,
    cost_http_request: (_request: bigint, _response: bigint, to: number) => free(to),
    cost_sign_with_ecdsa: freeKey,
    cost_sign_with_schnorr: freeKey,
    cost_vetkd_derive_key: freeKey,
    mint_cycles: () => mint(),
    mint_cycles128: () => mint(),
  }
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)
const wide = (high: bigint, low: bigint): bigint => (BigInt.asUintN(64, high) << 64n) | BigInt.asUintN(64, low)
const signed = (value: bigint): bigint => BigInt.asIntN(64, value)

function in64(value: bigint): bigint {
  if (value > MAX_64) throw new CanisterTrap('the amount of cycles does not fit 64 bits', 'IC0504')
  return signed(value)
}

function mint(): never {
  throw new CanisterTrap("ic0.mint_cycles is the cycles minting canister's alone", 'IC0504')
}
