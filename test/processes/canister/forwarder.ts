import { toUtf8 } from '../../../protocol/index.ts'
import { wat } from '../rewriter/wat.ts'

/** Calls whom its argument names, with the rest of it, and replies with the reply, or with one byte: the code of the reject. */
export const FORWARDER = wat(`(module
  (import "ic0" "msg_arg_data_size" (func $size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $copy (param i32 i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reject_code" (func $code (result i32)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_data_append" (func $data (param i32 i32)))
  (import "ic0" "call_cycles_add" (func $cycles (param i64)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (memory 4)
  (table funcref (elem $replied $rejected))
  ;; one byte: length of the callee; one byte: length of the name; both; the argument
  (func $call (param $paid i64)
    (call $copy (i32.const 0) (i32.const 0) (call $size))
    (call $new
      (i32.const 2) (i32.load8_u (i32.const 0))
      (i32.add (i32.const 2) (i32.load8_u (i32.const 0))) (i32.load8_u (i32.const 1))
      (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0))
    (call $data (call $behind) (i32.sub (call $size) (call $behind)))
    (if (i64.ne (local.get $paid) (i64.const 0)) (then (call $cycles (local.get $paid))))
    (drop (call $perform)))
  (func $behind (result i32)
    (i32.add (i32.const 2) (i32.add (i32.load8_u (i32.const 0)) (i32.load8_u (i32.const 1)))))
  (func (export "canister_update call") (call $call (i64.const 0)))
  (func (export "canister_update pay") (call $call (i64.const 1000)))
  (func $replied (param i32)
    (call $copy (i32.const 0) (i32.const 0) (call $size)) (call $append (i32.const 0) (call $size)) (call $reply))
  (func $rejected (param i32)
    (i32.store8 (i32.const 0) (call $code)) (call $append (i32.const 0) (i32.const 1)) (call $reply)))`)

/** The argument of `call` and `pay`; an empty callee is the management canister. */
export function forwarded(callee: Uint8Array, method: string, arg: Uint8Array = new Uint8Array(0)): Uint8Array {
  return Uint8Array.from([callee.length, method.length, ...callee, ...toUtf8(method), ...arg])
}
