import { describe, expect, it } from 'vitest'
import type { HostedProcess } from '../../../compute-unit/index.ts'
import { asModuleId, emptyCanisterModule, type ProcessId, toHex } from '../../../protocol/index.ts'
import { keyOf } from '../../fakes/certified-pushes.ts'
import { wat } from '../rewriter/wat.ts'
import { CanisterNet, principalArg } from './canister-net.ts'

const VERDICT = { status: 'ok', sender: { owner: keyOf(1), module: asModuleId(emptyCanisterModule().id) } } as const

/** Counts in a global; its initialisation traps if it is told more than nothing, and fills a page before. */
const COUNTING = wat(`(module
  (import "ic0" "msg_arg_data_size" (func $size (result i32)))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (memory 2)
  (global $n (mut i32) (i32.const 0))
  (func (export "canister_init") (if (i32.gt_u (call $size) (i32.const 6)) (then unreachable)))
  (func (export "canister_update count")
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (i32.store8 (i32.const 0) (global.get $n))
    (call $append (i32.const 0) (i32.const 1))
    (call $reply)))`)

/** Fills what the other leaves empty, and traps. */
const FILLING = wat(`(module
  (memory 2)
  (data (i32.const 65536) "something else")
  (func (export "canister_init") unreachable))`)

/** Evaluates in another host what came since; gives the gas of each slot. */
function goOn(net: CanisterNet, canister: ProcessId, woken: HostedProcess, from: number): bigint[] {
  return net
    .member(canister)
    .frames.slice(from)
    .map(({ bytes }) => woken.evaluate(bytes, [VERDICT]).gas)
}

const gasSince = (net: CanisterNet, from: number): bigint[] => net.results.slice(from).map(({ result }) => result.gas)

describe('a canister that a host has just opened', { timeout: 120_000 }, () => {
  it('has its globals back after a slot that failed', () => {
    const net = new CanisterNet()
    const canister = net.installed(COUNTING)
    for (const count of [1, 2]) expect(net.ingress(canister, 'count')?.reply).toEqual(Uint8Array.of(count))
    const woken = net.wakeElsewhere(canister)
    const [frames, results] = [net.member(canister).frames.length, net.results.length]
    expect(net.install(canister, COUNTING, { mode: 'reinstall', arg: principalArg(canister) })?.reject?.code).toBe(5)
    expect(net.ingress(canister, 'count')?.reply).toEqual(Uint8Array.of(3))
    expect(goOn(net, canister, woken, frames)).toEqual(gasSince(net, results))
    expect(toHex(woken.stateRoot())).toBe(net.root(canister))
  })

  it('pays for its snapshots what it paid where it was before, whatever that host still holds of slots that failed', () => {
    const net = new CanisterNet()
    const canister = net.installed(COUNTING)
    net.ingress(canister, 'count')
    expect(net.install(canister, FILLING, { mode: 'reinstall' })?.reject?.code).toBe(5)
    const woken = net.wakeElsewhere(canister)
    const [frames, results] = [net.member(canister).frames.length, net.results.length]
    expect(toHex(woken.stateRoot())).toBe(net.root(canister))
    expect(net.manage(canister, 'take_canister_snapshot')?.reply).toBeDefined()
    expect(goOn(net, canister, woken, frames)).toEqual(gasSince(net, results))
    expect(toHex(woken.stateRoot())).toBe(net.root(canister))
  })
})
