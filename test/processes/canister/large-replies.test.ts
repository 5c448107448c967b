import { expect, it } from 'vitest'
import { principalOf } from '../../../protocol/index.ts'
import { wat } from '../rewriter/wat.ts'
import { CanisterNet } from './canister-net.ts'

const MiB = 1024 * 1024
const TO_USER_MAX = 2 * MiB
const TO_CANISTER_MAX = MiB - 4096

/** `update` and `query` reply with as many bytes as the number in their argument says; `relay` has another canister do so, and gives what it heard, or the code of the reject. */
const LARGE = wat(`(module
  (import "ic0" "msg_arg_data_size" (func $size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $copy (param i32 i32 i32)))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reject_code" (func $code (result i32)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_data_append" (func $with (param i32 i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (memory 64)
  (table funcref (elem $heard $refused))
  (data (i32.const 16) "update")
  (func $answer (call $copy (i32.const 0) (i32.const 0) (i32.const 4)) (call $append (i32.const 64) (i32.load (i32.const 0))) (call $reply))
  (func (export "canister_update update") (call $answer))
  (func (export "canister_query query") (call $answer))
  (func $heard (param i32) (i32.store (i32.const 0) (call $size)) (call $append (i32.const 0) (i32.const 4)) (call $reply))
  (func $refused (param i32) (i32.store8 (i32.const 0) (call $code)) (call $append (i32.const 0) (i32.const 1)) (call $reply))
  (func (export "canister_update relay")
    (call $copy (i32.const 256) (i32.const 0) (call $size))
    (call $new (i32.const 260) (i32.sub (call $size) (i32.const 4)) (i32.const 16) (i32.const 6) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0))
    (call $with (i32.const 256) (i32.const 4))
    (drop (call $perform))))`)

const asked = (bytes: number, callee: Uint8Array = new Uint8Array(0)): Uint8Array =>
  Uint8Array.from([...new Uint8Array(new Uint32Array([bytes]).buffer), ...callee])

it('users are replied to with 2 MiB by updates, with 3 by queries, and not with more', async () => {
  const net = new CanisterNet()
  const canister = net.installed(LARGE)
  expect(net.ingress(canister, 'update', asked(TO_USER_MAX))?.reply).toHaveLength(TO_USER_MAX)
  expect(net.ingress(canister, 'update', asked(TO_USER_MAX + 1))?.reject).toMatchObject({ code: 5, error: 'IC0504' })
  expect((await net.query(canister, 'query', asked(3 * MiB))).reply).toHaveLength(3 * MiB)
  expect((await net.query(canister, 'query', asked(3 * MiB + 1))).reject).toMatchObject({ code: 5, error: 'IC0504' })
  expect(net.ingress(canister, 'query', asked(TO_USER_MAX + 1))?.reject).toMatchObject({ code: 5, error: 'IC0504' })
  expect(net.replay(canister)).toBe(net.root(canister))
})

it('canisters are replied to with what a message between processes carries', () => {
  const net = new CanisterNet()
  const [canister, other] = [net.installed(LARGE), net.installed(LARGE)]
  const relayed = (bytes: number): number[] => [
    ...(net.ingress(canister, 'relay', asked(bytes, principalOf(other)))?.reply ?? []),
  ]
  expect(relayed(TO_CANISTER_MAX)).toEqual([...asked(TO_CANISTER_MAX)])
  expect(relayed(TO_CANISTER_MAX + 1)).toEqual([5])
  for (const process of [canister, other]) expect(net.replay(process)).toBe(net.root(process))
})
