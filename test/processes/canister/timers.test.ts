import { describe, expect, it } from 'vitest'
import { wat } from '../rewriter/wat.ts'
import { CanisterNet } from './canister-net.ts'

const IMPORTS = `
  (import "ic0" "time" (func $time (result i64)))
  (import "ic0" "global_timer_set" (func $set (param i64) (result i64)))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (memory 1)`

/** Sets its timer to five seconds from now; replies with how often it rang. */
const RINGING = wat(`(module${IMPORTS}
  (func (export "canister_update start")
    (drop (call $set (i64.add (call $time) (i64.const 5000000000))))
    (call $reply))
  (func (export "canister_global_timer") (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1))))
  (func (export "canister_update rings") (call $append (i32.const 0) (i32.const 1)) (call $reply)))`)

/** Sets its timer to now, and has a heartbeat; replies with how often the timer rang. */
const BEATING = wat(`(module${IMPORTS}
  (func $now (drop (call $set (call $time))))
  (func (export "canister_update start") (call $now) (call $reply))
  (func (export "canister_heartbeat"))
  (func (export "canister_global_timer")
    (call $now)
    (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1))))
  (func (export "canister_query rings") (call $append (i32.const 0) (i32.const 1)) (call $reply)))`)

describe('the global timer', { timeout: 180_000 }, () => {
  it('rings when a canister starts again that did not run when it was due', () => {
    const net = new CanisterNet()
    const canister = net.installed(RINGING)
    net.ingress(canister, 'start')
    net.manage(canister, 'stop_canister')
    const before = net.results.length
    net.pass(60_000)
    expect(net.results.length - before).toBeLessThanOrEqual(1)
    net.manage(canister, 'start_canister')
    net.pass(2_000)
    expect(net.ingress(canister, 'rings')?.reply).toEqual(Uint8Array.of(1))
    net.pass(60_000)
    expect(net.ingress(canister, 'rings')?.reply).toEqual(Uint8Array.of(1))
    expect(net.replay(canister)).toBe(net.root(canister))
  })

  it('rings each second beside a heartbeat, however soon it was wanted', async () => {
    const net = new CanisterNet()
    const canister = net.installed(BEATING)
    net.ingress(canister, 'start')
    net.pass(4_500)
    expect((await net.query(canister, 'rings')).reply).toEqual(Uint8Array.of(4))
    expect(net.replay(canister)).toBe(net.root(canister))
  })
})
