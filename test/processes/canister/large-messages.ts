import { wat } from '../rewriter/wat.ts'

/**
 * `update` and `query` reply with as many bytes as the number in their argument says. `relay` has another canister do so, whose
 * principal stands behind that number, and gives how many it heard, or the code of the reject. `give` calls `take` of another with so many
 * bytes, `four` does so four times at once; `take` replies with how many came, `sum` with what `four` heard in all. `all`
 * is a composite query that asks `query` of another as often as the uppermost four bits of the number say, and gives how much it heard in all.
 */
export const LARGE = wat(`(module
  (import "ic0" "msg_arg_data_size" (func $size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $copy (param i32 i32 i32)))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reject_code" (func $code (result i32)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_data_append" (func $with (param i32 i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (memory 64)
  (table funcref (elem $heard $refused $told $next $more))
  (global $left (mut i32) (i32.const 0))
  (global $sum (mut i32) (i32.const 0))
  (data (i32.const 16) "update")
  (data (i32.const 32) "take")
  (data (i32.const 48) "query")
  (func $answer (call $copy (i32.const 0) (i32.const 0) (i32.const 4)) (call $append (i32.const 64) (i32.load (i32.const 0))) (call $reply))
  (func (export "canister_update update") (call $answer))
  (func (export "canister_query query") (call $answer))
  (func $say (param i32) (i32.store (i32.const 0) (local.get 0)) (call $append (i32.const 0) (i32.const 4)) (call $reply))
  (func (export "canister_query sum") (call $say (global.get $sum)))
  (func (export "canister_update take") (call $say (call $size)))
  (func $heard (param i32) (call $say (call $size)))
  (func $refused (param i32) (i32.store8 (i32.const 0) (call $code)) (call $append (i32.const 0) (i32.const 1)) (call $reply))
  (func $told (param i32) (call $copy (i32.const 0) (i32.const 0) (i32.const 4)) (call $say (i32.load (i32.const 0))))
  (func $next (param i32)
    (call $copy (i32.const 0) (i32.const 0) (i32.const 4))
    (global.set $sum (i32.add (global.get $sum) (i32.load (i32.const 0))))
    (global.set $left (i32.sub (global.get $left) (i32.const 1)))
    (if (i32.eqz (global.get $left)) (then (call $say (global.get $sum)))))
  (func $to (param $method i32) (param $length i32) (param $fun i32)
    (call $copy (i32.const 256) (i32.const 0) (call $size))
    (call $new (i32.const 260) (i32.sub (call $size) (i32.const 4)) (local.get $method) (local.get $length) (local.get $fun) (i32.const 0) (i32.const 1) (i32.const 0)))
  (func (export "canister_update relay")
    (call $to (i32.const 16) (i32.const 6) (i32.const 0))
    (call $with (i32.const 256) (i32.const 4))
    (drop (call $perform)))
  (func $give (param $fun i32)
    (call $to (i32.const 32) (i32.const 4) (local.get $fun))
    (call $with (i32.const 256) (i32.load (i32.const 256)))
    (if (call $perform) (then unreachable)))
  (func (export "canister_update give") (call $give (i32.const 2)))
  (func $more (param i32)
    (global.set $sum (i32.add (global.get $sum) (call $size)))
    (global.set $left (i32.sub (global.get $left) (i32.const 1)))
    (if (i32.eqz (global.get $left)) (then (call $say (global.get $sum)))))
  (func (export "canister_composite_query all") (local $count i32)
    (call $copy (i32.const 0) (i32.const 0) (i32.const 4))
    (local.set $count (i32.shr_u (i32.load (i32.const 0)) (i32.const 28)))
    (global.set $left (local.get $count)) (global.set $sum (i32.const 0))
    (loop $again
      (call $to (i32.const 48) (i32.const 5) (i32.const 4))
      (i32.store (i32.const 256) (i32.and (i32.load (i32.const 256)) (i32.const 0x0fffffff)))
      (call $with (i32.const 256) (i32.const 4))
      (if (call $perform) (then unreachable))
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
  (func (export "canister_update four")
    (global.set $left (i32.const 4)) (global.set $sum (i32.const 0))
    (call $give (i32.const 3)) (call $give (i32.const 3)) (call $give (i32.const 3)) (call $give (i32.const 3))))`)

/** A number of bytes, and how often. */
export const often = (times: number, bytes: number): number => (times << 28) | bytes

/** A number of bytes, and who is to be called. */
export const asked = (bytes: number, callee: Uint8Array = new Uint8Array(0)): Uint8Array =>
  Uint8Array.from([...new Uint8Array(new Uint32Array([bytes]).buffer), ...callee])
