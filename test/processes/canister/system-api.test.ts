import { describe, expect, it } from 'vitest'
import { SYSTEM_API } from '../../../processes/canister/system-api.ts'
import { encodeCandid, principalOf } from '../../../protocol/index.ts'
import { wat } from '../rewriter/wat.ts'
import { CanisterNet, user } from './canister-net.ts'

const TYPES: Readonly<Record<string, string>> = { p: 'i32', e: 'i32', i: 'i32', I: 'i64' }

/** A canister that calls one function of the system, with zeros, wherever it is entered. */
function calling(name: string): Uint8Array {
  const call = SYSTEM_API.get(name)
  if (call === undefined) throw new TypeError(`expected a system call, got ${name}`)
  const params = [...call.params].map(letter => TYPES[letter])
  const result = call.result === '' ? '' : `(result ${TYPES[call.result]})`
  const zeros = params.map(type => `(${type}.const 0)`).join(' ')
  const body = call.result === '' ? `(call $it ${zeros})` : `(drop (call $it ${zeros}))`
  const entries = [
    'canister_update u',
    'canister_query q',
    'canister_composite_query c',
    'canister_inspect_message',
    'canister_pre_upgrade',
  ]
  return wat(`(module
    (import "ic0" "${name}" (func $it (param ${params.join(' ')}) ${result}))
    (memory 1)
    ${entries.map(entry => `(func (export "${entry}") ${body})`).join('\n')})`)
}

/** From the table of the specification: U, NRQ, CQ, F and G of a few functions of each kind. */
const ALLOWED: readonly (readonly [name: string, modes: string])[] = [
  ['msg_arg_data_size', 'u q c f'],
  ['msg_caller_copy', 'u q c f g'],
  ['msg_reject_code', ''],
  ['msg_reply', 'u q c'],
  ['msg_cycles_available128', 'u'],
  ['msg_cycles_refunded128', ''],
  ['canister_cycle_balance128', 'u q c f g'],
  ['msg_method_name_size', 'f'],
  ['accept_message', 'f'],
  ['call_new', 'u c'],
  ['stable64_size', 'u q c f g'],
  ['root_key_size', 'u g'],
  ['certified_data_set', 'u g'],
  ['data_certificate_present', 'u q c f g'],
  ['time', 'u q c f g'],
  ['global_timer_set', 'u g'],
  ['performance_counter', 'u q c f g'],
  ['env_var_count', 'u q c f g'],
  ['debug_print', 'u q c f g'],
]

describe('the system API', () => {
  it('has every function of the specification', () => {
    expect(SYSTEM_API.size).toBe(78)
  })

  it('reads no name of a variable that is longer than any', () => {
    const net = new CanisterNet()
    const canister = net.installed(
      wat(`(module
      (import "ic0" "env_var_name_exists" (func $exists (param i32 i32) (result i32)))
      (import "ic0" "msg_reply" (func $reply))
      (memory 1)
      (data (i32.const 0) "${'x'.repeat(200)}")
      (func (export "canister_update fits") (drop (call $exists (i32.const 0) (i32.const 128))) (call $reply))
      (func (export "canister_update long") (drop (call $exists (i32.const 0) (i32.const 129))) (call $reply)))`),
    )
    expect(net.ingress(canister, 'fits')?.reply).toBeDefined()
    expect(net.ingress(canister, 'long')?.reject).toMatchObject({ code: 5, error: 'IC0504' })
  })

  it.each(ALLOWED)('lets %s be called in the modes %s, and in no other', async (name, modes) => {
    const net = new CanisterNet()
    const canister = net.installed(calling(name))
    const isRefused = (text: string | undefined): boolean => text?.includes('cannot be executed in') === true
    const seen = {
      u: isRefused(net.ingress(canister, 'u')?.reject?.message),
      q: isRefused((await net.query(canister, 'q')).reject?.message),
      c: isRefused((await net.query(canister, 'c')).reject?.message),
      f: isRefused(
        (await net.query(canister, 'u', undefined, user(1), { 'Canister-Query': 'inspect' })).reject?.message,
      ),
      g: isRefused(net.install(canister, calling(name), { mode: 'upgrade' })?.reject?.message),
    }
    const allowed = Object.entries(seen).flatMap(([mode, refused]) => (refused ? [] : [mode]))
    expect(allowed.join(' ')).toBe(modes)
  })

  it.each([
    ['a function of another type', '(import "ic0" "msg_reply" (func (param i32)))'],
    ['a function that is none', '(import "ic0" "msg_answer" (func))'],
    ['a function from elsewhere', '(import "env" "msg_reply" (func))'],
    ['an entry point that takes something', '(memory 1) (func (export "canister_update x") (param i32))'],
    ['one method twice', '(memory 1) (func (export "canister_update x")) (func (export "canister_query x"))'],
    ['an entry point that is none', '(memory 1) (func (export "canister_whatever"))'],
    ['a memory from outside', '(import "ic0" "memory" (memory 1))'],
  ])('refuses code with %s', (_, text) => {
    const net = new CanisterNet()
    const canister = net.create(user(1))
    expect(net.install(canister, wat(`(module ${text})`))?.reject?.error).toBe('IC0505')
  })

  it('runs code without a memory, and takes the start function along', () => {
    const net = new CanisterNet()
    const canister = net.installed(
      wat(`(module
      (import "ic0" "msg_reply" (func $reply))
      (global $n (mut i32) (i32.const 0))
      (func $start (global.set $n (i32.const 7)))
      (func (export "canister_update ok") (if (i32.eq (global.get $n) (i32.const 7)) (then (call $reply))))
      (start $start))`),
    )
    expect(net.ingress(canister, 'ok')?.reply).toHaveLength(0)
  })

  it.each([0xffff_ffff_ffff_ffffn, 0x20_0000_0000_0001n, 7n])(
    'gives a callback its environment, all 64 bits of it: %s',
    env => {
      const net = new CanisterNet()
      const canister = net.installed(
        wat(`(module
      (import "ic0" "canister_self_size" (func $size (result i64)))
      (import "ic0" "canister_self_copy" (func $copy (param i64 i64 i64)))
      (import "ic0" "msg_reply_data_append" (func $append (param i64 i64)))
      (import "ic0" "msg_reply" (func $reply))
      (import "ic0" "call_new" (func $new (param i64 i64 i64 i64 i64 i64 i64 i64)))
      (import "ic0" "call_perform" (func $perform (result i32)))
      (memory i64 1)
      (table funcref (elem $back))
      (data (i64.const 0) "none")
      (func $back (param i64) (i64.store (i64.const 100) (local.get 0)) (call $append (i64.const 100) (i64.const 8)) (call $reply))
      (func (export "canister_update ask")
        (call $copy (i64.const 16) (i64.const 0) (call $size))
        (call $new (i64.const 16) (call $size) (i64.const 0) (i64.const 4) (i64.const 0) (i64.const ${env}) (i64.const 0) (i64.const ${env}))
        (drop (call $perform))))`),
      )
      const reply = net.ingress(canister, 'ask')?.reply ?? new Uint8Array(8)
      expect(new DataView(reply.slice().buffer).getBigUint64(0, true)).toBe(env)
    },
  )

  it('stops what reaches outside of its memories, and what recurses for ever', () => {
    const net = new CanisterNet()
    const canister = net.installed(
      wat(`(module
      (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
      (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
      (memory 1)
      (func $deep (call $deep))
      (func (export "canister_update heap") (call $append (i32.const 65530) (i32.const 100)))
      (func (export "canister_update stable") (call $write (i64.const 0) (i64.const 0) (i64.const 1)))
      (func (export "canister_update deep") (call $deep))
      (func (export "canister_update trap") unreachable))`),
    )
    expect(net.ingress(canister, 'heap')?.reject?.message).toContain('heap out of bounds')
    expect(net.ingress(canister, 'stable')?.reject?.message).toContain('stable memory out of bounds')
    expect(net.ingress(canister, 'deep')?.reject?.message).toContain('stack overflow')
    expect(net.ingress(canister, 'trap')?.reject?.error).toBe('IC0502')
    expect(net.ingress(canister, 'none')?.reject?.error).toBe('IC0536')
    expect(net.replay(canister)).toBe(net.root(canister))
  })
})

/** Calls the method `never` of whom its argument names, and replies with the code of a reject. */
const WAITING = `(module
  (import "ic0" "msg_arg_data_size" (func $size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $copy (param i32 i32 i32)))
  (import "ic0" "msg_reject_code" (func $code (result i32)))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_with_best_effort_response" (func $within (param i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (memory 1)
  (table funcref (elem $replied $rejected $again))
  (data (i32.const 0) "never")
  (func $replied (param i32) (call $reply))
  (func $rejected (param i32)
    (i32.store8 (i32.const 8) (call $code))
    (call $append (i32.const 8) (i32.const 1))
    (call $reply))
  (func $new_call (param $reject i32)
    (call $new (i32.const 100) (i32.const 29) (i32.const 0) (i32.const 5) (i32.const 0) (i32.const 0) (local.get $reject) (i32.const 0)))
  (func $again (param i32) (call $new_call (i32.const 1)) (call $within (i32.const 2)) (drop (call $perform)))
  (func (export "canister_update twice")
    (call $copy (i32.const 100) (i32.const 0) (call $size))
    (call $new_call (i32.const 2)) (call $within (i32.const 2)) (drop (call $perform)))
  (func $call
    (call $copy (i32.const 100) (i32.const 0) (call $size))
    (call $new (i32.const 100) (call $size) (i32.const 0) (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0)))
  (func (export "canister_update within") (call $call) (call $within (i32.const 2)) (drop (call $perform)))
  (func (export "canister_update never") (call $call) (drop (call $perform)))
  (func (export "canister_update forget")))`

describe('a canister that waits', () => {
  it('gives up a best-effort call when its time is up, and can be stopped', () => {
    const net = new CanisterNet()
    const silent = Uint8Array.from({ length: 29 }, (_, at) => (at === 28 ? 1 : at))
    const canister = net.installed(wat(WAITING))
    // Whoever performs effects says nothing: the call has gone, and nobody answers it.
    net.silent.add('canister.find')
    expect(net.ingress(canister, 'within', silent)).toBeUndefined()
    expect(net.manage(canister, 'stop_canister')).toBeUndefined()
    expect(net.ingress(canister, 'within', silent)?.reject?.error).toBe('IC0509')
    const before = net.results.length
    net.pass(3_000)
    const answers = net.answersSince(before)
    expect(answers.map(({ reply }) => reply && [...reply])).toEqual([[6], [...encodeCandid([])]])
    expect(net.replay(canister)).toBe(net.root(canister))
  })

  it('gives up a best-effort call that it made when another was given up', () => {
    const net = new CanisterNet()
    net.silent.add('canister.find')
    const silent = Uint8Array.from({ length: 29 }, (_, at) => (at === 28 ? 1 : at))
    const canister = net.installed(wat(WAITING))
    expect(net.ingress(canister, 'twice', silent)).toBeUndefined()
    const before = net.results.length
    net.pass(3_000)
    expect(net.answersSince(before)).toEqual([])
    net.pass(3_000)
    expect(net.answersSince(before).map(({ reply }) => reply && [...reply])).toEqual([[6]])
    expect(net.replay(canister)).toBe(net.root(canister))
  })

  it('may put an argument together from any number of parts', () => {
    const net = new CanisterNet()
    const canister = net.installed(
      wat(`(module
      (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
      (import "ic0" "call_data_append" (func $append (param i32 i32)))
      (import "ic0" "call_perform" (func $perform (result i32)))
      (memory 1)
      (func (export "canister_update parts") (local $left i32)
        (call $new (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 9) (i32.const 0) (i32.const 9) (i32.const 0))
        (local.set $left (i32.const 300000))
        (loop $more
          (call $append (i32.const 0) (i32.const 1))
          (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
        (drop (call $perform))))`),
    )
    expect(net.ingress(canister, 'parts')?.reject?.error).toBe('IC0513')
    expect(net.replay(canister)).toBe(net.root(canister))
  })

  it('may name callbacks that no table has, with 64 bits too', () => {
    const net = new CanisterNet()
    const canister = net.installed(
      wat(`(module
      (import "ic0" "call_new" (func $new (param i64 i64 i64 i64 i64 i64 i64 i64)))
      (import "ic0" "call_perform" (func $perform (result i32)))
      (memory i64 1)
      (func (export "canister_update oneway")
        (call $new (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const -1) (i64.const -1) (i64.const -1) (i64.const -1))
        (drop (call $perform))))`),
    )
    expect(net.ingress(canister, 'oneway')?.reject?.error).toBe('IC0513')
    expect(net.replay(canister)).toBe(net.root(canister))
  })

  it('may refuse to stop for as long as it waits for ever, and is told so', () => {
    const net = new CanisterNet()
    net.silent.add('canister.find')
    const silent = Uint8Array.from({ length: 29 }, (_, at) => (at === 28 ? 1 : at))
    const canister = net.installed(wat(WAITING))
    expect(net.ingress(canister, 'never', silent)).toBeUndefined()
    expect(net.manage(canister, 'stop_canister')).toBeUndefined()
    const before = net.results.length
    net.pass(301_000)
    expect(net.answersSince(before)[0]?.reject?.error).toBe('IC0206')
    const uninstalled = net.results.length
    net.manage(canister, 'uninstall_code')
    expect(net.answersSince(uninstalled).map(({ reject }) => reject?.code)).toContain(4)
    // Uninstalled or not, it has not stopped before its own calls are over.
    expect(net.manage(canister, 'stop_canister')).toBeUndefined()
    net.pass(700_000)
    expect(net.manage(canister, 'stop_canister')?.reply).toBeDefined()
    expect(net.replay(canister)).toBe(net.root(canister))
  })

  it('is told that whoever does not answer has not answered', () => {
    const net = new CanisterNet()
    const canister = net.installed(wat(WAITING))
    expect(net.ingress(canister, 'forget')?.reject?.error).toBe('IC0506')
    // It calls itself, and then, with no argument, the management canister, which has no such method.
    expect(net.ingress(canister, 'never', principalOf(canister))?.reply).toHaveLength(0)
    expect([...(net.ingress(canister, 'never', new Uint8Array(0))?.reply ?? [])]).toEqual([5])
  })
})
