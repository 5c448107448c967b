import { IDL } from '@icp-sdk/core/candid'
import { Principal } from '@icp-sdk/core/principal'
import { describe, expect, it } from 'vitest'
import { type CanisterAnswer, type ProcessId, principalOf } from '../../../protocol/index.ts'
import { messageItem } from '../../fakes/signed-items.ts'
import { wat } from '../rewriter/wat.ts'
import { CanisterNet, NOTHING } from './canister-net.ts'

const STRANGER = Uint8Array.from({ length: 29 }, (_, index) => (index === 28 ? 1 : 7))

/**
 * `wait` calls whom its argument names and waits for ever, `within` for two seconds; `pay` does so with 1,000 cycles. `fetch` and
 * `fetch within` ask for a page, as their argument says. All reply with the cycles that came back, as a number of 8 bytes.
 */
const CALLING = wat(`(module
  (import "ic0" "msg_arg_data_size" (func $size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $copy (param i32 i32 i32)))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_cycles_refunded" (func $refunded (result i64)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_data_append" (func $data (param i32 i32)))
  (import "ic0" "call_cycles_add" (func $cycles (param i64)))
  (import "ic0" "call_with_best_effort_response" (func $within (param i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (memory 1)
  (table funcref (elem $back))
  (data (i32.const 16) "hello") (data (i32.const 32) "http_request")
  (func $back (param i32) (i64.store (i32.const 0) (call $refunded)) (call $append (i32.const 0) (i32.const 8)) (call $reply))
  (func $read (call $copy (i32.const 256) (i32.const 0) (call $size)))
  (func $call
    (call $read)
    (call $new (i32.const 256) (call $size) (i32.const 16) (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
  (func $ask
    (call $read)
    (call $new (i32.const 0) (i32.const 0) (i32.const 32) (i32.const 12) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (call $data (i32.const 256) (call $size)))
  (func (export "canister_update hello") (call $reply))
  (func (export "canister_update wait") (call $call) (drop (call $perform)))
  (func (export "canister_update within") (call $call) (call $within (i32.const 2)) (drop (call $perform)))
  (func (export "canister_update pay") (call $call) (call $within (i32.const 2)) (call $cycles (i64.const 1000)) (drop (call $perform)))
  (func (export "canister_update fetch") (call $ask) (drop (call $perform)))
  (func (export "canister_update fetch within") (call $ask) (call $within (i32.const 2)) (drop (call $perform)))
  (func (export "canister_query spin") (loop $again (br $again))))`)

const STATUS = IDL.Record({ cycles: IDL.Nat, version: IDL.Nat64 })
const statusOf = (net: CanisterNet, canister: ProcessId): { cycles: bigint; version: bigint } => {
  const reply = net.manage(canister, 'canister_status')?.reply ?? new Uint8Array(0)
  return IDL.decode([STATUS], reply.slice())[0] as unknown as { cycles: bigint; version: bigint }
}

/** Answers of the slots while time passes. */
function passing(net: CanisterNet, ms: number): CanisterAnswer[] {
  const before = net.results.length
  net.pass(ms)
  return net.answersSince(before)
}

/** A call of `method` whose request arrives nowhere; the canister knows whom it calls. */
function lost(net: CanisterNet, canister: ProcessId, method: string): void {
  const other = net.installed(CALLING)
  expect(net.ingress(canister, 'wait', principalOf(other))?.reply).toBeDefined()
  net.hold(() => expect(net.ingress(canister, method, principalOf(other))).toBeUndefined())
  net.dropHeld()
}

describe('calls of code that is gone', () => {
  it('to what never answers hold no stop for longer than a best-effort call would', () => {
    const net = new CanisterNet()
    const canister = net.installed(CALLING)
    lost(net, canister, 'wait')
    net.manage(canister, 'uninstall_code')
    expect(net.manage(canister, 'stop_canister')).toBeUndefined()
    expect(passing(net, 299_000)).toEqual([])
    expect(passing(net, 2_000)).toEqual([{ reply: NOTHING }])
    expect(net.manage(canister, 'delete_canister')).toEqual({ reply: NOTHING })
    expect(net.replay(canister)).toBe(net.root(canister))
  })

  it('end no earlier than they would have, and no later', () => {
    const net = new CanisterNet()
    const canister = net.installed(CALLING)
    lost(net, canister, 'within')
    net.manage(canister, 'uninstall_code')
    expect(net.manage(canister, 'stop_canister')).toBeUndefined()
    expect(passing(net, 2_000)).toEqual([{ reply: NOTHING }])
    expect(net.replay(canister)).toBe(net.root(canister))
  })
})

describe('a best-effort call that ends by itself', () => {
  it('has back what was never sent, and nothing of what was', () => {
    const net = new CanisterNet()
    const canister = net.installed(CALLING)
    net.silent.add('canister.find')
    const before = statusOf(net, canister).cycles
    expect(net.ingress(canister, 'pay', STRANGER)).toBeUndefined()
    expect(passing(net, 3_000).map(({ reply }) => reply?.[0])).toEqual([1000 & 0xff])
    expect(statusOf(net, canister).cycles).toBe(before)
    net.silent.delete('canister.find')
    lost(net, canister, 'pay')
    expect(passing(net, 3_000).map(({ reply }) => reply?.[0])).toEqual([0])
    expect(statusOf(net, canister).cycles).toBe(before - 1000n)
    expect(net.replay(canister)).toBe(net.root(canister))
  })

  it('takes along that somebody is looked for: the next call has it looked for again', () => {
    const net = new CanisterNet()
    const [canister, other] = [net.installed(CALLING), net.installed(CALLING)]
    net.silent.add('canister.find')
    expect(net.ingress(canister, 'within', principalOf(other))).toBeUndefined()
    expect(passing(net, 3_000)).toHaveLength(1)
    net.silent.delete('canister.find')
    expect(net.ingress(canister, 'wait', principalOf(other))?.reply).toBeDefined()
    expect(net.replay(canister)).toBe(net.root(canister))
  })
})

describe('the transform of an outcall', () => {
  const TRANSFORM = IDL.Record({ function: IDL.Func([], [], ['query']), context: IDL.Vec(IDL.Nat8) })
  const REQUEST = IDL.Record({
    url: IDL.Text,
    method: IDL.Variant({ get: IDL.Null }),
    transform: IDL.Opt(TRANSFORM),
  })
  const request = (canister: ProcessId): Uint8Array =>
    IDL.encode(
      [REQUEST],
      [
        {
          url: 'https://example.test/',
          method: { get: null },
          transform: [
            { function: [Principal.fromUint8Array(principalOf(canister)), 'spin'], context: new Uint8Array(0) },
          ],
        },
      ],
    )
  /** Gas of the slot of an outcome. */
  const outcome = (net: CanisterNet, canister: ProcessId): number => {
    const tags = { Action: 'Reply', 'X-Reference': 'http/0', Effect: 'http.fetch' }
    const data = JSON.stringify({ status: 200, headers: {}, body: '' })
    const { gas } = net.put(canister, { kind: 'item', item: messageItem(canister, { tags, data, signer: 1 }).bytes })
    net.deliver()
    return Number(gas)
  }
  const asked = (method: string): { net: CanisterNet; canister: ProcessId } => {
    const net = new CanisterNet()
    const canister = net.installed(CALLING)
    net.silent.add('http.fetch')
    expect(net.ingress(canister, method, request(canister))).toBeUndefined()
    return { net, canister }
  }

  it('runs for a call that waits', () => {
    const { net, canister } = asked('fetch')
    expect(outcome(net, canister)).toBeGreaterThan(1_000_000)
  })

  it('does not run in code that came after that of the call, and the cycles come back', () => {
    const { net, canister } = asked('fetch')
    net.manage(canister, 'uninstall_code')
    net.install(canister, CALLING)
    expect(outcome(net, canister)).toBeLessThan(100_000)
    expect(net.manage(canister, 'stop_canister')).toEqual({ reply: NOTHING })
    expect(net.replay(canister)).toBe(net.root(canister))
  })

  it('does not run for a call that has ended', () => {
    const { net, canister } = asked('fetch within')
    expect(passing(net, 3_000)).toHaveLength(1)
    expect(outcome(net, canister)).toBeLessThan(100_000)
    expect(net.replay(canister)).toBe(net.root(canister))
  })
})

it('every stop and start is a version, whether or not it changes anything; to have stopped is one, too', () => {
  const net = new CanisterNet()
  const canister = net.installed(CALLING)
  const versions = ['start_canister', 'stop_canister', 'stop_canister', 'start_canister'].map(method => {
    expect(net.manage(canister, method)).toEqual({ reply: NOTHING })
    return statusOf(net, canister).version
  })
  expect(versions).toEqual([2n, 4n, 5n, 6n])
})
