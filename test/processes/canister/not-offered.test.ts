import { describe, expect, it } from 'vitest'
import { fromUtf8, toUtf8 } from '../../../protocol/index.ts'
import { wat } from '../rewriter/wat.ts'
import { CanisterNet, user } from './canister-net.ts'

/** Calls the method of the management canister that it is named, and replies with a zero, or with the code and the text of the reject. */
const ASKING = wat(`(module
  (import "ic0" "msg_arg_data_size" (func $size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $copy (param i32 i32 i32)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (import "ic0" "msg_reject_code" (func $code (result i32)))
  (import "ic0" "msg_reject_msg_size" (func $textSize (result i32)))
  (import "ic0" "msg_reject_msg_copy" (func $text (param i32 i32 i32)))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (memory 1)
  (table funcref (elem $answered $answered))
  (func $answered (param i32)
    (i32.store8 (i32.const 0) (call $code))
    (call $append (i32.const 0) (i32.const 1))
    (if (call $code) (then
      (call $text (i32.const 8) (i32.const 0) (call $textSize))
      (call $append (i32.const 8) (call $textSize))))
    (call $reply))
  (func (export "canister_update ask")
    (call $copy (i32.const 8) (i32.const 0) (call $size))
    (call $new (i32.const 0) (i32.const 0) (i32.const 8) (call $size) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0))
    (drop (call $perform))))`)

const NOT_OFFERED = [
  ...['ecdsa_public_key', 'sign_with_ecdsa', 'schnorr_public_key', 'sign_with_schnorr'],
  ...['vetkd_public_key', 'vetkd_derive_key'],
  ...['bitcoin_get_balance', 'bitcoin_get_utxos', 'bitcoin_send_transaction'],
  ...['bitcoin_get_current_fee_percentiles', 'bitcoin_get_block_headers'],
  ...['subnet_metrics', 'flexible_http_request'],
]

describe('a method of the management canister', () => {
  const net = new CanisterNet()
  const canister = net.installed(ASKING)
  const asked = (method: string): readonly [code: number, text: string] => {
    const reply = net.ingress(canister, 'ask', toUtf8(method))?.reply
    if (reply === undefined) throw new Error('no answer')
    return [reply[0] ?? 0, fromUtf8(reply.subarray(1))]
  }

  it.each(NOT_OFFERED)('that is not offered answers a canister that calls it with a reject: %s', method => {
    expect(asked(method)).toEqual([4, expect.stringContaining(`${method} is not offered here`)])
  })

  it('that nobody knows does, too, in the words of the IC', () => {
    expect(asked('make_me_rich')).toEqual([5, "Management canister has no method 'make_me_rich'"])
  })

  it.each(['make_me_rich', 'raw_rand', 'deposit_cycles', 'read_stored_chunk', 'subnet_info'])(
    'that users cannot call is refused as on the IC, known or not: %s',
    async method => {
      const asUser = (kind: string) =>
        net.query(canister, method, net.argument(canister), user(1), { 'Canister-Query': kind, Canister: 'aaaaa-aa' })
      expect((await asUser('inspect')).reject).toEqual({
        code: 4,
        error: 'IC0406',
        message: `Only canisters can call ic00 method ${method}`,
      })
      expect((await asUser('management')).reject).toEqual({
        code: 5,
        error: 'IC0536',
        message: `Query method ${method} not found.`,
      })
    },
  )
})
