import { modesOf } from './modes.ts'

/**
 * The system API of canisters (IC interface specification 0.67, "Overview of imports"): of each function its type and the
 * modes in which it may be called. `p` is a pointer or a size, as wide as the addresses of the memory; `e`
 * is as wide, and anything; `i` is i32, `I` i64.
 */
export interface SystemCall {
  readonly params: string
  readonly result: '' | 'p' | 'i' | 'I'
  readonly modes: number
  /** Only for canisters with 32-bit addresses. */
  readonly only32: boolean
}

const ARG = 'I U RQ NRQ TQ CQ Ry CRy F'
const CALLER_INFO = 'U RQ NRQ CQ Ry Rt CRy CRt C CC F'
const RESPOND = 'U RQ NRQ TQ CQ Ry Rt CRy CRt'
const CALL = 'U CQ Ry Rt CRy CRt T'
const PAY = 'U Ry Rt T'
const CYCLES = 'U RQ Rt Ry'
const CHANGE = 'I G U RQ Ry Rt C T'

const TABLE: Readonly<Record<string, readonly [type: string, modes: string]>> = {
  msg_arg_data_size: ['>p', ARG],
  msg_arg_data_copy: ['ppp>', ARG],
  msg_caller_size: ['>p', '*'],
  msg_caller_copy: ['ppp>', '*'],
  msg_caller_info_data_size: ['>p', CALLER_INFO],
  msg_caller_info_data_copy: ['ppp>', CALLER_INFO],
  msg_caller_info_signer_size: ['>p', CALLER_INFO],
  msg_caller_info_signer_copy: ['ppp>', CALLER_INFO],
  msg_reject_code: ['>i', 'Ry Rt CRy CRt C'],
  msg_reject_msg_size: ['>p', 'Rt CRt'],
  msg_reject_msg_copy: ['ppp>', 'Rt CRt'],
  msg_deadline: ['>I', 'U RQ NRQ TQ CQ Ry Rt CRy CRt'],
  msg_reply_data_append: ['pp>', RESPOND],
  msg_reply: ['>', RESPOND],
  msg_reject: ['pp>', RESPOND],
  msg_cycles_available: ['>I', CYCLES],
  msg_cycles_available128: ['p>', CYCLES],
  msg_cycles_refunded: ['>I', 'Rt Ry'],
  msg_cycles_refunded128: ['p>', 'Rt Ry'],
  msg_cycles_accept: ['I>I', CYCLES],
  msg_cycles_accept128: ['IIp>', CYCLES],
  cycles_burn128: ['IIp>', CHANGE],
  canister_self_size: ['>p', '*'],
  canister_self_copy: ['ppp>', '*'],
  canister_cycle_balance: ['>I', '*'],
  canister_cycle_balance128: ['p>', '*'],
  canister_liquid_cycle_balance128: ['p>', '*'],
  canister_status: ['>i', '*'],
  canister_version: ['>I', '*'],
  subnet_self_size: ['>p', '*'],
  subnet_self_copy: ['ppp>', '*'],
  subnet_self_node_count: ['>i', '*'],
  msg_method_name_size: ['>p', 'F'],
  msg_method_name_copy: ['ppp>', 'F'],
  accept_message: ['>', 'F'],
  call_new: ['pppppepe>', CALL],
  call_on_cleanup: ['pe>', CALL],
  call_data_append: ['pp>', CALL],
  call_with_best_effort_response: ['i>', CALL],
  call_cycles_add: ['I>', PAY],
  call_cycles_add128: ['II>', PAY],
  call_perform: ['>i', CALL],
  stable_size: ['>i', '* s'],
  stable_grow: ['i>i', '* s'],
  stable_write: ['iii>', '* s'],
  stable_read: ['iii>', '* s'],
  stable64_size: ['>I', '* s'],
  stable64_grow: ['I>I', '* s'],
  stable64_write: ['III>', '* s'],
  stable64_read: ['III>', '* s'],
  root_key_size: ['>p', CHANGE],
  root_key_copy: ['ppp>', CHANGE],
  certified_data_set: ['pp>', 'I G U Ry Rt T'],
  data_certificate_present: ['>i', '*'],
  data_certificate_size: ['>p', 'NRQ CQ'],
  data_certificate_copy: ['ppp>', 'NRQ CQ'],
  time: ['>I', '*'],
  global_timer_set: ['I>I', 'I G U Ry Rt C T'],
  performance_counter: ['i>I', '* s'],
  is_controller: ['pp>i', '* s'],
  in_replicated_execution: ['>i', '* s'],
  cost_call: ['IIp>', '* s'],
  cost_create_canister: ['p>', '* s'],
  cost_http_request: ['IIp>', '* s'],
  cost_http_request_v2: ['ppp>', '* s'],
  cost_sign_with_ecdsa: ['ppip>i', '* s'],
  cost_sign_with_schnorr: ['ppip>i', '* s'],
  cost_vetkd_derive_key: ['ppip>i', '* s'],
  env_var_count: ['>p', '*'],
  env_var_name_size: ['p>p', '*'],
  env_var_name_copy: ['pppp>', '*'],
  env_var_name_exists: ['pp>i', '*'],
  env_var_value_size: ['pp>p', '*'],
  env_var_value_copy: ['ppppp>', '*'],
  debug_print: ['pp>', '* s'],
  trap: ['pp>', '* s'],
  mint_cycles: ['I>I', CYCLES],
  mint_cycles128: ['IIp>', CYCLES],
}

const ONLY_32: ReadonlySet<string> = new Set([
  'msg_cycles_available',
  'msg_cycles_refunded',
  'msg_cycles_accept',
  'canister_cycle_balance',
  'call_cycles_add',
  'stable_size',
  'stable_grow',
  'stable_write',
  'stable_read',
])

/** Every function that a canister may import from `ic0`, by name. */
export const SYSTEM_API: ReadonlyMap<string, SystemCall> = new Map(
  Object.entries(TABLE).map(([name, [type, modes]]) => {
    const [params = '', result = ''] = type.split('>')
    return [name, { params, result: result as SystemCall['result'], modes: modesOf(modes), only32: ONLY_32.has(name) }]
  }),
)
