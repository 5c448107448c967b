import { equalBytes } from '../../../protocol/index.ts'
import { CERTIFIED_DATA_MAX_BYTES, ENVIRONMENT_TEXT_MAX_BYTES, LOG_MAX_BYTES } from '../bounds.ts'
import { CanisterTrap } from '../canister-trap.ts'
import { REPLICATED } from '../modes.ts'
import { toUtf8 } from '../../../protocol/index.ts'
import type { Host, SystemFunctions } from './host.ts'

const STATUS_NUMBERS = { running: 1, stopping: 2, stopped: 3 } as const
/** Texts for people: what is not UTF-8 is replaced, never refused. */
const lenient = new TextDecoder('utf-8', { ignoreBOM: true })

/** What a canister knows of itself and the world. */
export function systemCalls(host: Host): SystemFunctions {
  const copy = (to: number, source: Uint8Array, at: number, length: number): undefined => {
    host.charge(length)
    host.heap.copyIn(to, source, at, length)
  }
  const certificate = (): Uint8Array => {
    const { entry } = host.execution
    if (entry.certificate === undefined) throw new CanisterTrap('there is no data certificate', 'IC0504')
    return entry.certificate
  }
  return {
    canister_self_size: () => host.self.length,
    canister_self_copy: (to: number, at: number, length: number) => copy(to, host.self, at, length),
    subnet_self_size: () => host.subnet.length,
    subnet_self_copy: (to: number, at: number, length: number) => copy(to, host.subnet, at, length),
    subnet_self_node_count: () => 1,
    root_key_size: () => host.rootKey.length,
    root_key_copy: (to: number, at: number, length: number) => copy(to, host.rootKey, at, length),
    canister_status: () => STATUS_NUMBERS[host.execution.state.status],
    canister_version: () => host.execution.state.version,
    certified_data_set: (from: number, length: number) => {
      if (length > CERTIFIED_DATA_MAX_BYTES) throw new CanisterTrap('certified data have at most 32 bytes', 'IC0504')
      host.execution.state.certified = host.heap.read(from, length).slice()
      return undefined
    },
    data_certificate_present: () => (host.execution.entry.certificate === undefined ? 0 : 1),
    data_certificate_size: () => certificate().length,
    data_certificate_copy: (to: number, at: number, length: number) => copy(to, certificate(), at, length),
    time: () => host.execution.nowNs,
    global_timer_set: (timeNs: bigint) => {
      const { state } = host.execution
      const before = state.timerNs
      state.timerNs = BigInt.asUintN(64, timeNs)
      return BigInt.asIntN(64, before)
    },
    performance_counter: (kind: number) => {
      const now = host.instructions()
      if (kind === 0) return now
      if (kind === 1) return now + (host.execution.entry.usedBefore ?? 0n)
      throw new CanisterTrap(`performance_counter: there is no counter ${kind}`, 'IC0504')
    },
    is_controller: (from: number, length: number) => {
      if (length > 29) throw new CanisterTrap('is_controller: no principal', 'IC0504')
      const principal = host.heap.read(from, length)
      return host.execution.state.settings.controllers.some(one => equalBytes(one, principal)) ? 1 : 0
    },
    in_replicated_execution: () => ((host.execution.entry.mode & REPLICATED) === 0 ? 0 : 1),
    debug_print: (from: number, length: number) => {
      const said = Math.min(length, LOG_MAX_BYTES)
      host.charge(4 * said)
      const { log } = host.execution
      if (log.length < LOG_LINES_MAX) log.push(spoken(host, 'debug_print', from, said))
      return undefined
    },
    trap: (from: number, length: number) => {
      const said = Math.min(length, TRAP_TEXT_MAX_BYTES)
      host.charge(said)
      const text = spoken(host, 'trap', from, said)
      throw new CanisterTrap(`Canister called \`ic0.trap\` with message: '${text}'`, 'IC0503')
    },
    ...environmentCalls(host, copy),
  }
}

/** What code says for people: it may name what is not there, and nothing comes of that but a note. */
function spoken({ heap }: Host, call: string, from: number, length: number): string {
  if (!heap.has(from, length)) return `(${call} message out of memory bounds)`
  return lenient.decode(heap.read(from, length))
}

/** Lines of one execution. */
const LOG_LINES_MAX = 256
const TRAP_TEXT_MAX_BYTES = 16_384

function environmentCalls(
  host: Host,
  copy: (to: number, source: Uint8Array, at: number, length: number) => undefined,
): SystemFunctions {
  const variables = () => host.execution.state.settings.environment
  const nameAt = (index: number): Uint8Array => {
    const name = variables()[index]?.[0]
    if (name === undefined) throw new CanisterTrap(`env_var: there is no variable ${index}`, 'IC0504')
    return toUtf8(name)
  }
  const find = (from: number, length: number): Uint8Array | undefined => {
    // No variable has a longer name: reading one would take as long as the heap is large.
    if (length > ENVIRONMENT_TEXT_MAX_BYTES)
      throw new CanisterTrap(`env_var: a name has at most ${ENVIRONMENT_TEXT_MAX_BYTES} bytes`, 'IC0504')
    const name = host.heap.text(from, length)
    const found = variables().find(([one]) => one === name)
    return found && toUtf8(found[1])
  }
  const valueNamed = (from: number, length: number): Uint8Array => {
    const value = find(from, length)
    if (value === undefined) throw new CanisterTrap('env_var: there is no variable of that name', 'IC0504')
    return value
  }
  return {
    env_var_count: () => variables().length,
    env_var_name_size: (index: number) => nameAt(index).length,
    env_var_name_copy: (index: number, to: number, at: number, length: number) => copy(to, nameAt(index), at, length),
    env_var_name_exists: (from: number, length: number) => (find(from, length) === undefined ? 0 : 1),
    env_var_value_size: (from: number, length: number) => valueNamed(from, length).length,
    env_var_value_copy: (from: number, length: number, to: number, at: number, size: number) =>
      copy(to, valueNamed(from, length), at, size),
  }
}
