import { expect, it, vi } from 'vitest'
import {
  CborReader,
  candidFields,
  candidLabel,
  candidRecord,
  decodeCandid,
  firstRecord,
  type ProcessId,
} from '../../../protocol/index.ts'
import { wat } from '../rewriter/wat.ts'
import { CanisterNet, user } from './canister-net.ts'

/** Replies with its liquid balance; burns what it is asked to, or as much of it as it may; counts heartbeats. */
const SPENDER = wat(`(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "canister_liquid_cycle_balance128" (func $liquid (param i32)))
  (import "ic0" "cycles_burn128" (func $burn (param i64 i64 i32)))
  (memory 16)
  (func (export "canister_query liquid") (call $liquid (i32.const 0)) (call $append (i32.const 0) (i32.const 16)) (call $reply))
  (func (export "canister_update liquid_update") (call $liquid (i32.const 0)) (call $append (i32.const 0) (i32.const 16)) (call $reply))
  (func (export "canister_update burn_all")
    (call $burn (i64.const 0x7fffffffffffffff) (i64.const 0) (i32.const 0)) (call $append (i32.const 0) (i32.const 16)) (call $reply))
  (func (export "canister_heartbeat") (i32.store (i32.const 100) (i32.add (i32.load (i32.const 100)) (i32.const 1))))
  (func (export "canister_query beats") (call $append (i32.const 100) (i32.const 4)) (call $reply)))`)

const wide = (bytes: Uint8Array = new Uint8Array(16)): bigint => {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return view.getBigUint64(0, true) | (view.getBigUint64(8, true) << 64n)
}

const set = (net: CanisterNet, canister: ProcessId, settings: Record<string, bigint>) => {
  const type = {
    record: candidFields(Object.fromEntries(Object.keys(settings).map(name => [name, { opt: 'nat' as const }]))),
  }
  const value = candidRecord(Object.fromEntries(Object.entries(settings).map(([name, one]) => [name, { opt: one }])))
  return net.manage(canister, 'update_settings', { settings: [type, value] })
}

const statusOf = (net: CanisterNet, canister: ProcessId) =>
  firstRecord(decodeCandid(net.manage(canister, 'canister_status')?.reply ?? new Uint8Array(0)))

it('has cycles in plenty at first, all of which it may spend', () => {
  const net = new CanisterNet()
  const canister = net.installed(SPENDER)
  const status = statusOf(net, canister)
  expect(wide(net.ingress(canister, 'liquid_update')?.reply)).toBe(status.get(candidLabel('cycles')))
  expect(net.ingress(canister, 'burn_all')?.reply).toBeDefined()
  expect(wide(net.ingress(canister, 'liquid_update')?.reply)).toBe(0n)
})

it('keeps what its memory would cost for as long as a threshold says that somebody set', () => {
  const net = new CanisterNet()
  const canister = net.installed(SPENDER)
  set(net, canister, { freezing_threshold: 2_592_000n })
  const status = statusOf(net, canister)
  const [cycles, perDay] = [
    status.get(candidLabel('cycles')) as bigint,
    status.get(candidLabel('idle_cycles_burned_per_day')) as bigint,
  ]
  expect(perDay).toBeGreaterThan(10_000_000n)
  expect(wide(net.ingress(canister, 'liquid_update')?.reply)).toBe(cycles - (perDay * 2_592_000n) / 86_400n)
  expect(wide(net.ingress(canister, 'burn_all')?.reply)).toBeGreaterThan(cycles / 2n)
  // It is at its limit now, not below.
  expect(wide(net.ingress(canister, 'liquid_update')?.reply)).toBe(0n)
})

it('is frozen when it has less: answers nobody, beats no more, and goes on once it has enough', async () => {
  const net = new CanisterNet()
  const canister = net.installed(SPENDER)
  set(net, canister, { freezing_threshold: 2_592_000n })
  expect(net.ingress(canister, 'burn_all')?.reply).toBeDefined()
  net.pass(1_500)
  const beats = (await net.query(canister, 'beats')).reply
  expect(set(net, canister, { freezing_threshold: 100_000_000n })?.reply).toBeDefined()
  for (const method of ['liquid_update', 'liquid', 'missing']) {
    expect(net.ingress(canister, method)?.reject).toMatchObject({
      code: 2,
      error: 'IC0207',
      message: expect.stringContaining('out of cycles'),
    })
  }
  expect((await net.query(canister, 'liquid')).reject).toMatchObject({ code: 2, error: 'IC0207' })
  expect(
    (
      await net.query(canister, '', new Uint8Array(0), user(1), {
        'Canister-Query': 'inspect',
        Action: 'liquid_update',
      })
    ).reject?.error,
  ).toBe('IC0207')
  expect(net.install(canister, SPENDER, { mode: 'upgrade' })?.reject?.error).toBe('IC0207')
  expect(statusOf(net, canister).get(candidLabel('status'))).toEqual({ variant: [candidLabel('running'), null] })
  net.pass(5_000)
  expect(net.manage(canister, 'provisional_top_up_canister', { amount: ['nat', 10n ** 15n] })?.reply).toBeDefined()
  expect((await net.query(canister, 'beats')).reply).toEqual(beats)
  expect(wide(net.ingress(canister, 'liquid_update')?.reply)).toBeGreaterThan(0n)
  net.pass(1_500)
  expect((await net.query(canister, 'beats')).reply).not.toEqual(beats)
  expect(net.replay(canister)).toBe(net.root(canister))
})

it('cannot set memory aside that would freeze it', () => {
  const net = new CanisterNet()
  const canister = net.installed(SPENDER)
  set(net, canister, { freezing_threshold: 2_592_000n })
  expect(set(net, canister, { memory_allocation: 2n ** 40n })?.reply).toBeDefined()
  expect(set(net, canister, { memory_allocation: 2n ** 48n })?.reject?.error).toBe('IC0533')
  expect(set(net, canister, { compute_allocation: 100n })?.reply).toBeDefined()
  const idle = statusOf(net, canister).get(candidLabel('idle_cycles_burned_per_day'))
  expect(idle).toBe((2n ** 40n * 127_000n * 86_400n) / 2n ** 30n)
})

it('gives no more cycles to others than it may', () => {
  const net = new CanisterNet()
  const giver = net.installed(
    wat(`(module
    (import "ic0" "msg_reply" (func $reply))
    (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "ic0" "call_cycles_add128" (func $add (param i64 i64)))
    (import "ic0" "canister_cycle_balance128" (func $balance (param i32)))
    (memory 1)
    (func (export "canister_update give_all")
      (call $new (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
      (call $balance (i32.const 0)) (call $add (i64.load (i32.const 8)) (i64.load (i32.const 0))) (call $reply)))`),
  )
  set(net, giver, { freezing_threshold: 2_592_000n })
  expect(net.ingress(giver, 'give_all')?.reject?.error).toBe('IC0520')
  expect(set(net, giver, { freezing_threshold: 0n })?.reply).toBeDefined()
  expect(net.ingress(giver, 'give_all')?.reply).toBeDefined()
})

it('has a timer that was due while it was frozen ring when it has the cycles again, once', () => {
  const net = new CanisterNet()
  const canister = net.installed(
    wat(`(module
    (import "ic0" "time" (func $time (result i64)))
    (import "ic0" "global_timer_set" (func $set (param i64) (result i64)))
    (import "ic0" "msg_reply" (func $reply))
    (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
    (memory 1)
    (func (export "canister_update start") (drop (call $set (i64.add (call $time) (i64.const 5000000000)))) (call $reply))
    (func (export "canister_global_timer") (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1))))
    (func (export "canister_update rings") (call $append (i32.const 0) (i32.const 1)) (call $reply)))`),
  )
  net.ingress(canister, 'start')
  set(net, canister, { freezing_threshold: 2n ** 62n })
  const before = net.results.length
  net.pass(60_000)
  expect(net.results.length - before).toBe(1)
  expect(set(net, canister, { freezing_threshold: 0n })?.reply).toBeDefined()
  net.pass(60_000)
  expect(net.ingress(canister, 'rings')?.reply).toEqual(Uint8Array.of(1))
  net.pass(60_000)
  expect(net.ingress(canister, 'rings')?.reply).toEqual(Uint8Array.of(1))
  expect(net.replay(canister)).toBe(net.root(canister))
})

it('looks at how large it is once in an execution, however often its code asks what it may spend', () => {
  const net = new CanisterNet()
  const canister = net.installed(
    wat(`(module
    (import "ic0" "msg_reply" (func $reply))
    (import "ic0" "canister_liquid_cycle_balance128" (func $liquid (param i32)))
    (memory 1)
    (func (export "canister_update ask") (local $left i32)
      (local.set $left (i32.const 20000))
      (loop $again (call $liquid (i32.const 0)) (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (call $reply)))`),
  )
  set(net, canister, { freezing_threshold: 1n })
  for (let count = 0; count < 3; count++) net.manage(canister, 'take_canister_snapshot')
  const cells = vi.spyOn(CborReader.prototype, 'array')
  try {
    expect(net.ingress(canister, 'ask')?.reply).toBeDefined()
    expect(cells.mock.calls.length).toBeLessThan(1_000)
  } finally {
    cells.mockRestore()
  }
})
