import { candidLabel, decodeCandid, firstRecord, MalformedBytes } from '../../../protocol/index.ts'
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
  /** There is no such key here, whatever its name: 2; or not even such a curve: 1. */
  const noKey =
    (kinds: number) =>
    (name: number, length: number, kind: number, to: number): number => {
      host.heap.read(name, length)
      host.heap.read(to, WIDE_BYTES)
      return kind >>> 0 < kinds ? 2 : 1
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
    cost_http_request_v2: (from: number, length: number, to: number) => {
      checkParameters(host, from, length)
      return free(to)
    },
    cost_sign_with_ecdsa: noKey(2),
    cost_sign_with_schnorr: noKey(2),
    cost_vetkd_derive_key: noKey(1),
    mint_cycles: () => mint(),
    mint_cycles128: () => mint(),
  }
}

const WIDE_BYTES = 16
const PARAMETERS_MAX_BYTES = 4096
/** Values of the parameters, and of what stands beside them: read, and paid for, whether they are there or not. */
const PARAMETERS_MAX = 64
const VALUE_GAS = 100
const PARAMETERS = [
  'request_bytes',
  'http_roundtrip_time_ms',
  'raw_response_bytes',
  'transformed_response_bytes',
  'transform_instructions',
]

/** What an outcall is expected to take, as the specification has it written. @throws {CanisterTrap} */
function checkParameters(host: Host, from: number, length: number): void {
  if (length > PARAMETERS_MAX_BYTES) throw badParameters()
  host.charge(4 * length + VALUE_GAS * PARAMETERS_MAX)
  const bytes = host.heap.read(from, length)
  try {
    const record = firstRecord(decodeCandid(bytes, { valuesMax: PARAMETERS_MAX }))
    if (PARAMETERS.some(name => typeof record.get(candidLabel(name)) !== 'bigint')) throw badParameters()
  } catch (error) {
    throw error instanceof MalformedBytes ? badParameters() : error
  }
}

const badParameters = (): CanisterTrap => new CanisterTrap('cost_http_request_v2: bad parameters', 'IC0504')

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
