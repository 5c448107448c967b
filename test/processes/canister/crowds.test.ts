import { describe, expect, it } from 'vitest'
import {
  asMessageId,
  asProcessId,
  candidFields,
  candidLabel,
  candidRecord,
  decodeCandid,
  firstRecord,
  makePush,
  principalOf,
  principalText,
  type ProcessId,
} from '../../../protocol/index.ts'
import { fakeId } from '../../fakes/guest-context.ts'
import { messageItem } from '../../fakes/signed-items.ts'
import { wat } from '../rewriter/wat.ts'
import { CanisterNet, user } from './canister-net.ts'

/** Nobody is found under it. */
const STRANGER = Uint8Array.from({ length: 29 }, (_, index) => (index === 28 ? 1 : 7))
const STRANGER_TEXT = [...STRANGER].map(byte => `\\${byte.toString(16).padStart(2, '0')}`).join('')

/**
 * Calls: whom the message names (`wait`, `long`, with a name of 10,000 bytes, `crowd`, 501 times, and says how many calls were made), or, of whom it names, `wait` for a stranger, 150 times
 * (`many`); or has the canister that the argument names stopped, with 500 cycles (`stop`). Every answer is replied to; `wait large` does it
 * with 1,400,000 bytes.
 */
const CALLING = wat(`(module
  (import "ic0" "msg_arg_data_size" (func $size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $copy (param i32 i32 i32)))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reject" (func $reject (param i32 i32)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_data_append" (func $with (param i32 i32)))
  (import "ic0" "call_cycles_add128" (func $pay (param i64 i64)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (memory 40)
  (data (i32.const 128) "counted")
  (table funcref (elem $replied $large $counted))
  (data (i32.const 0) "wait") (data (i32.const 16) "stop_canister") (data (i32.const 32) "${STRANGER_TEXT}")
  (func $replied (param i32) (call $reply))
  (func $large (param i32) (call $append (i32.const 65536) (i32.const 1400000)) (call $reply))
  (func $counted (param i32) (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1))))
  (func $new_call (param $method i32) (param $length i32) (param $back i32)
    (call $copy (i32.const 256) (i32.const 0) (call $size))
    (call $new (i32.const 256) (call $size) (local.get $method) (local.get $length) (local.get $back) (i32.const 0) (local.get $back) (i32.const 0)))
  (func (export "canister_update wait") (call $new_call (i32.const 0) (i32.const 4) (i32.const 0)) (drop (call $perform)))
  (func (export "canister_update wait large") (call $new_call (i32.const 0) (i32.const 4) (i32.const 1)) (drop (call $perform)))
  (func (export "canister_update long")
    (memory.fill (i32.const 65536) (i32.const 97) (i32.const 10000))
    (call $new_call (i32.const 65536) (i32.const 10000) (i32.const 0))
    (drop (call $perform)))
  (func (export "canister_update many") (local $left i32)
    (local.set $left (i32.const 150))
    (loop $more
      (call $new_call (i32.const 0) (i32.const 4) (i32.const 2))
      (call $with (i32.const 32) (i32.const 29))
      (drop (call $perform))
      (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (call $reply))
  (func (export "canister_update crowd") (local $left i32)
    (local.set $left (i32.const 501))
    (loop $more
      (call $new_call (i32.const 128) (i32.const 7) (i32.const 2))
      (if (i32.eqz (call $perform)) (then (i32.store (i32.const 12) (i32.add (i32.load (i32.const 12)) (i32.const 1)))))
      (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (call $append (i32.const 12) (i32.const 4))
    (call $reply))
  (func (export "canister_update counted") (call $append (i32.const 8) (i32.const 4)) (call $reply))
  (func (export "canister_update stop")
    (call $copy (i32.const 256) (i32.const 0) (call $size))
    (call $new (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 13) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (call $with (i32.const 256) (call $size))
    (call $pay (i64.const 0) (i64.const 500))
    (drop (call $perform)))
  (func (export "canister_update reject")
    (memory.fill (i32.const 65536) (i32.const 97) (i32.const 2000000))
    (call $reject (i32.const 65536) (i32.const 2000000))))`)

const counted = (net: CanisterNet, canister: ProcessId): number =>
  new DataView((net.ingress(canister, 'counted')?.reply ?? new Uint8Array(4)).slice().buffer).getUint32(0, true)

/** The messenger unit says that it finds nobody. */
function notFound(net: CanisterNet, canister: ProcessId): void {
  const tags = {
    Action: 'Error',
    Error: 'not-found',
    'X-Reference': `find/${principalText(STRANGER)}`,
    Effect: 'canister.find',
  }
  net.put(canister, { kind: 'item', item: messageItem(canister, { tags, data: '{}', signer: 1 }).bytes })
  net.deliver()
}

describe('what is more than one slot holds', { timeout: 120_000 }, () => {
  it('leaves in the next: a canister that is uninstalled answers all who wait for it', () => {
    const net = new CanisterNet()
    const [hub, ...callers] = [net.installed(CALLING), net.installed(CALLING), net.installed(CALLING)]
    // Whom one has called once need not be looked for.
    for (const caller of callers) net.ingress(caller, 'wait', principalOf(hub))
    net.silent.add('canister.find')
    for (const caller of callers) expect(net.ingress(caller, 'many', principalOf(hub))?.reply).toBeDefined()
    expect(net.manage(hub, 'uninstall_code')?.reply).toBeDefined()
    net.pass(5_000)
    for (const caller of callers) expect(counted(net, caller)).toBe(150)
    expect(net.replay(hub)).toBe(net.root(hub))
  })

  it('leaves in the next: five hundred calls of one execution, as many as the IC takes; whoever makes more hears of it', () => {
    const net = new CanisterNet()
    const [hub, caller] = [net.installed(CALLING), net.installed(CALLING)]
    const made = net.ingress(caller, 'crowd', principalOf(hub))?.reply ?? new Uint8Array(4)
    expect(new DataView(made.slice().buffer).getUint32(0, true)).toBe(500)
    net.pass(5_000)
    expect(counted(net, caller)).toBe(500)
    expect(net.replay(caller)).toBe(net.root(caller))
  })

  it('leaves in the next: two replies that no output holds together', () => {
    const net = new CanisterNet()
    net.silent.add('canister.find')
    const canister = net.installed(CALLING)
    net.ingress(canister, 'wait large', STRANGER, user(1))
    net.ingress(canister, 'wait large', STRANGER, user(2))
    const before = net.results.length
    notFound(net, canister)
    expect(net.answersSince(before)).toHaveLength(1)
    net.pass(5_000)
    expect(net.answersSince(before).map(({ reply }) => reply?.length)).toEqual([1_400_000, 1_400_000])
    expect(net.replay(canister)).toBe(net.root(canister))
  })

  it('does not leave with a message of little fuel, which would take it nowhere', () => {
    const net = new CanisterNet()
    const [hub, caller] = [net.installed(CALLING), net.installed(CALLING)]
    net.silent.add('canister.find')
    for (let round = 0; round < 2; round++) expect(net.ingress(caller, 'many', principalOf(hub))?.reply).toBeDefined()
    const found = { Action: 'Reply', 'X-Reference': `find/${principalText(principalOf(hub))}`, Effect: 'canister.find' }
    const data = JSON.stringify({ process: hub, format: 'canister' })
    const sent = net.put(caller, { kind: 'item', item: messageItem(caller, { tags: found, data, signer: 1 }).bytes })
      .outbox.length
    expect(sent).toBe(240)
    // Its own answer waits, too: behind those that came before.
    const core = {
      from: asProcessId(fakeId(1)),
      slot: 1,
      index: 0,
      seq: 0,
      to: caller,
      depth: 1,
      fuel: 300_000n,
      origin: asMessageId(fakeId(2)),
    }
    const tags = [
      { name: 'Action', value: 'counted' },
      { name: 'Content-Type', value: 'application/candid' },
      { name: 'Reference', value: 'r' },
    ]
    const push = makePush(core, { kind: 'message', tags, data: STRANGER, anchor: undefined })
    expect(net.put(caller, { kind: 'push', push, proof: undefined })).toMatchObject({
      status: 'ok',
      outbox: [],
      log: '',
    })
    net.deliver()
    net.pass(5_000)
    expect(net.lost).toHaveLength(1)
    notFound(net, hub)
    net.pass(5_000)
    expect(counted(net, caller)).toBe(300)
    expect(net.replay(caller)).toBe(net.root(caller))
  })

  it('is cut, if it is the text of a reject', () => {
    const net = new CanisterNet()
    const canister = net.installed(CALLING)
    expect(net.ingress(canister, 'reject')?.reject).toMatchObject({ code: 4, message: 'a'.repeat(8192) })
  })

  it('is refused where the callback hears of it, if it is the name of a method', () => {
    const net = new CanisterNet()
    const [canister, other] = [net.installed(CALLING), net.installed(CALLING)]
    expect(net.ingress(canister, 'long', principalOf(other))?.reply).toBeDefined()
  })

  it('has no answer, if it is the reference of a caller', () => {
    const net = new CanisterNet()
    net.silent.add('canister.find')
    const canister = net.installed(CALLING)
    const core = {
      from: asProcessId(fakeId(1)),
      slot: 1,
      index: 0,
      seq: 0,
      to: canister,
      depth: 1,
      fuel: 10n ** 12n,
      origin: asMessageId(fakeId(2)),
    }
    const tags = [
      { name: 'Action', value: 'wait' },
      { name: 'Content-Type', value: 'application/candid' },
      { name: 'Reference', value: 'r'.repeat(3_980) },
    ]
    const push = makePush(core, { kind: 'message', tags, data: STRANGER, anchor: undefined })
    expect(net.put(canister, { kind: 'push', push, proof: undefined }).status).toBe('ok')
    notFound(net, canister)
    expect(net.manage(canister, 'stop_canister')?.reply).toBeDefined()
  })
})

describe('a request to stop that waits', { timeout: 120_000 }, () => {
  const cyclesOf = (net: CanisterNet, canister: ProcessId): unknown =>
    firstRecord(decodeCandid(net.manage(canister, 'canister_status')?.reply ?? new Uint8Array(0))).get(
      candidLabel('cycles'),
    )

  it('gives its cycles back, whatever comes of it', () => {
    const net = new CanisterNet()
    net.silent.add('canister.find')
    const [boss, child] = [net.installed(CALLING), net.installed(CALLING)]
    net.silent.delete('canister.find')
    const controllers = [{ principal: user(1) }, { principal: principalOf(boss) }]
    net.manage(child, 'update_settings', {
      settings: [{ record: candidFields({ controllers: { vec: 'principal' } }) }, candidRecord({ controllers })],
    })
    net.silent.add('canister.find')
    net.ingress(child, 'wait', STRANGER)
    net.silent.delete('canister.find')
    const before = cyclesOf(net, boss)
    expect(net.ingress(boss, 'stop', net.argument(child))).toBeUndefined()
    const sent = net.results.length
    net.manage(child, 'start_canister')
    expect(net.answersSince(sent).length).toBeGreaterThan(0)
    expect(cyclesOf(net, boss)).toBe(before)
  })

  it('is answered in time, however many more come', () => {
    const net = new CanisterNet()
    net.silent.add('canister.find')
    const canister = net.installed(CALLING)
    net.ingress(canister, 'wait', STRANGER)
    const before = net.results.length
    for (let i = 0; i < 4; i++) {
      net.manage(canister, 'stop_canister')
      net.pass(100_000)
    }
    expect(net.answersSince(before)[0]?.reject?.error).toBe('IC0206')
  })
})
