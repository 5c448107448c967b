import { SYSTEM_API } from '../../../processes/canister/system-api.ts'
import { wat } from '../rewriter/wat.ts'

/** A step of what a message has a hostile canister do. */
export interface HostileStep {
  readonly name: string
  readonly values: readonly bigint[]
}

const VALUES_MAX = 8
const STEP_BYTES = 8 * (1 + VALUES_MAX)
/** Where the steps lie. */
const STEPS = 1024

/** The functions that a module of that width may call. */
export const callsOf = (is64: boolean): string[] =>
  [...SYSTEM_API].filter(([, { only32 }]) => !(is64 && only32)).map(([name]) => name)

/** Steps as a message: of each, the number of the function and its values, eight bytes each. */
export function encodeSteps(steps: readonly HostileStep[], is64: boolean): Uint8Array {
  const names = callsOf(is64)
  const bytes = new Uint8Array(STEP_BYTES * steps.length)
  const view = new DataView(bytes.buffer)
  for (const [index, { name, values }] of steps.entries()) {
    view.setBigUint64(STEP_BYTES * index, BigInt(names.indexOf(name)), true)
    for (const [at, value] of values.entries()) view.setBigUint64(STEP_BYTES * index + 8 * (1 + at), value, true)
  }
  return bytes
}

/**
 * A canister that calls the system as a message says: all steps at once (`run`, `query run`, `composite run`, whenever it is inspected), or
 * the first after a reply, after a reject, or as it cleans up (`reply`, `reject`, `cleanup`). Every function is a callback too, with the
 * values of the first step. A text lies at 64, the canister's own name, once called for, at 200.
 */
export function hostileProgram(is64: boolean): Uint8Array {
  const word = is64 ? 'i64' : 'i32'
  const typeOf = (letter: string): string => (letter === 'p' || letter === 'e' ? word : letter === 'I' ? 'i64' : 'i32')
  const at = (address: number): string => `(${word}.const ${address})`
  const names = callsOf(is64)
  const parts = names.map((name, index) => {
    const { params = '', result = '' } = SYSTEM_API.get(name) ?? {}
    const types = [...params].map(typeOf).join(' ')
    const gives = result === '' ? '' : `(result ${typeOf(result)})`
    const values = [...params].map(
      (letter, place) => `(${typeOf(letter)}.load offset=${8 * (1 + place)} (global.get $step))`,
    )
    const call = `(call $${name} ${values.join(' ')})`
    return {
      import: `(import "ic0" "${name}" (func $${name} (param ${types}) ${gives}))`,
      body: `(func $do${index} ${result === '' ? call : `(drop ${call})`})`,
      callback: `(func $back${index} (param ${word}) (global.set $step ${at(STEPS)}) (call $do${index}))`,
    }
  })
  const count = names.length
  // Table: callbacks, one that traps, then the functions as the steps call them.
  const table = [...parts.map((_, index) => `$back${index}`), '$trapping', ...parts.map((_, index) => `$do${index}`)]
  const number = is64 ? (value: string): string => `(i32.wrap_i64 ${value})` : (value: string): string => value
  const first = `(${word}.load ${at(STEPS)})`
  const selfCall = (method: number, reply: string, reject: string, cleanup: string): string => `
    (call $take)
    (call $canister_self_copy ${at(200)} ${at(0)} (call $canister_self_size))
    (call $call_new ${at(200)} (call $canister_self_size) ${at(method)} ${at(4)} ${reply} ${at(0)} ${reject} ${at(0)})
    (call $call_on_cleanup ${cleanup} ${at(0)})
    (drop (call $call_perform))`
  const trap = at(count)
  return wat(`(module
    ${parts.map(part => part.import).join('\n')}
    (type $plain (func))
    (memory ${is64 ? 'i64' : ''} 1)
    (table ${table.length} funcref)
    (elem (i32.const 0) func ${table.join(' ')})
    (global $step (mut ${word}) ${at(STEPS)})
    (global $end (mut ${word}) ${at(STEPS)})
    (data ${at(64)} "a text") (data ${at(100)} "noop") (data ${at(110)} "none")
    (func $trapping (param ${word}) unreachable)
    (func $take
      (call $msg_arg_data_copy ${at(STEPS)} ${at(0)} (call $msg_arg_data_size))
      (global.set $step ${at(STEPS)})
      (global.set $end (${word}.add ${at(STEPS)} (call $msg_arg_data_size))))
    (func $run
      (loop $more
        (if (${word}.lt_u (global.get $step) (global.get $end)) (then
          (call_indirect (type $plain) (i32.add (i32.const ${count + 1}) ${number(`(${word}.load (global.get $step))`)}))
          (global.set $step (${word}.add (global.get $step) ${at(STEP_BYTES)}))
          (br $more)))))
    (func (export "canister_update noop") (call $msg_reply))
    (func (export "canister_update run") (call $take) (call $run))
    (func (export "canister_query query run") (call $take) (call $run))
    (func (export "canister_composite_query composite run") (call $take) (call $run))
    (func (export "canister_inspect_message") (call $take) (call $run))
    (func (export "canister_global_timer") (global.set $step ${at(STEPS)}) (call $run))
    (func (export "canister_pre_upgrade") (global.set $step ${at(STEPS)}) (call $run))
    (func (export "canister_update reply") ${selfCall(100, first, trap, trap)})
    (func (export "canister_update reject") ${selfCall(110, trap, first, trap)})
    (func (export "canister_update cleanup") ${selfCall(100, trap, trap, first)})
    ${parts.map(part => `${part.body}\n${part.callback}`).join('\n')})`)
}
