import { describe, expect, it } from 'vitest'
import { HostedProcess } from '../../../compute-unit/index.ts'
import { asModuleId, emptyCanisterModule, TooLong, toHex, type ProcessId } from '../../../protocol/index.ts'
import { keyOf } from '../../fakes/certified-pushes.ts'
import { wat } from '../rewriter/wat.ts'
import { CanisterNet, loadCanisters, NOTHING, user } from './canister-net.ts'

const VERDICT = { status: 'ok', sender: { owner: keyOf(1), module: asModuleId(emptyCanisterModule().id) } } as const
/** A round of the loop takes some ten of gas. */
const PATIENCE = 1_000_000n

/** `quick` and `long` store a number and reply with the instructions so far; `trap` stores too; `copy` reads stable memory over and over. */
const PROGRAM = wat(`(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "performance_counter" (func $instructions (param i32) (result i64)))
  (import "ic0" "stable_grow" (func $grow (param i32) (result i32)))
  (import "ic0" "stable_read" (func $read (param i32 i32 i32)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (memory 2)
  (table funcref (elem $wide))
  (func $wide (param i64))
  (global $at (mut i32) (i32.const 0))
  (func $spin (param $rounds i32)
    (loop $more
      (global.set $at (i32.add (global.get $at) (i32.const 1)))
      (i32.store (i32.const 64) (global.get $at))
      (br_if $more (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1))))))
  (func $tell
    (i64.store (i32.const 0) (call $instructions (i32.const 0)))
    (call $append (i32.const 0) (i32.const 8))
    (call $reply))
  (func (export "canister_update quick") (call $spin (i32.const 10)) (call $tell))
  (func (export "canister_update long") (call $spin (i32.const 400000)) (call $tell))
  (func (export "canister_update wide")
    (call $new (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (drop (call $perform)))
  (func (export "canister_query look") (call $spin (i32.const 400000)) (call $tell))
  (func (export "canister_update trap") (call $spin (i32.const 10)) unreachable)
  (func (export "canister_update copy") (local $left i32)
    (drop (call $grow (i32.const 1)))
    (local.set $left (i32.const 2000))
    (loop $more
      (call $read (i32.const 65536) (i32.const 0) (i32.const 65536))
      (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (call $tell)))`)

const told = (answer: { reply?: Uint8Array | undefined } | undefined): string =>
  toHex(answer?.reply ?? new Uint8Array(0))

/** Evaluates the feed again up to the slot that takes too long; gives how many slots came before. */
function impatiently(net: CanisterNet, canister: ProcessId): number {
  const { description, frames } = net.member(canister)
  const again = HostedProcess.open(description, loadCanisters())
  for (const [slot, { bytes }] of frames.entries()) {
    try {
      again.evaluate(bytes, [VERDICT], { patienceGas: PATIENCE })
    } catch (error) {
      if (error instanceof TooLong) return slot
      throw error
    }
  }
  expect(toHex(again.stateRoot())).toBe(net.root(canister))
  return frames.length
}

describe('a slot that others wait behind', () => {
  it('is given up when it takes long, and says the same when it is not', () => {
    const net = new CanisterNet()
    const canister = net.installed(PROGRAM)
    for (let call = 0; call < 3; call++) expect(told(net.ingress(canister, 'quick'))).not.toBe('')
    expect(told(net.ingress(canister, 'trap'))).toBe('')
    const before = net.member(canister).frames.length
    // What was trapped by itself did not take long, and what comes after it neither.
    expect(impatiently(net, canister)).toBe(before)
    expect(told(net.ingress(canister, 'long'))).not.toBe('')
    expect(impatiently(net, canister)).toBe(before)
    expect(net.replay(canister)).toBe(net.root(canister))
  })

  it('is told nothing of how patient its host is', () => {
    const net = new CanisterNet()
    const canister = net.installed(PROGRAM)
    const { description, frames } = net.member(canister)
    net.ingress(canister, 'quick')
    const quick = net.results.at(-1)?.result.output
    const again = HostedProcess.open(description, loadCanisters())
    const outcomes = frames.map(({ bytes }) => again.evaluate(bytes, [VERDICT], { patienceGas: PATIENCE }))
    expect(outcomes.at(-1)?.gas).toBe(net.results.at(-1)?.result.gas)
    expect(Buffer.from(outcomes.at(-1)?.resultsBytes ?? []).includes(Buffer.from(quick ?? []))).toBe(true)
  })

  it('traps where its callback has another type, and no host fails of that', () => {
    const net = new CanisterNet()
    const canister = net.installed(PROGRAM)
    expect(net.ingress(canister, 'wide')?.reject?.error).toBe('IC0513')
    expect(impatiently(net, canister)).toBe(net.member(canister).frames.length)
  })

  it('is given up for what system calls take, too, as is a query', async () => {
    const net = new CanisterNet()
    const canister = net.installed(PROGRAM)
    const before = net.member(canister).frames.length
    expect(told(net.ingress(canister, 'copy'))).not.toBe('')
    expect(impatiently(net, canister)).toBe(before)
    expect(told(await net.query(canister, 'look'))).not.toBe('')
    const { process } = net.member(canister)
    const message = {
      from: 'aaaaa-aa',
      owner: 'aaaaa-aa',
      id: '',
      tags: [{ name: 'Action', value: 'look' }],
      data: NOTHING,
    }
    expect(() => process.query(message, net.nowMs, PATIENCE)).toThrow(TooLong)
    expect(told(net.ingress(canister, 'quick', NOTHING, user(2)))).not.toBe('')
  })
})
