import { describe, expect, it } from 'vitest'
import {
  candidFields,
  candidRecord,
  type CandidType,
  concatBytes,
  encodeCandid,
  type ProcessId,
  principalOf,
} from '../../../protocol/index.ts'
import { messageItem } from '../../fakes/signed-items.ts'
import { wat } from '../rewriter/wat.ts'
import { CanisterNet, user } from './canister-net.ts'

/** Much less than a value takes, of any kind, in ns. */
const LEAST_GAS = 100
const COUNT = 150_000
const ROOM = new Uint8Array(25_000)

/** An argument about `canister`, with so many values beside, which take no room of their own. */
const argument = (canister: ProcessId, values: number): Uint8Array => {
  const types: Record<string, CandidType> = { canister_id: 'principal', more: { vec: 'null' }, room: { vec: 'nat8' } }
  const more = Array.from({ length: values }, () => null)
  return encodeCandid([
    [
      { record: candidFields(types) },
      candidRecord({ canister_id: { principal: principalOf(canister) }, more, room: ROOM }),
    ],
  ])
}

const lastGas = (net: CanisterNet): number => Number(net.results.at(-1)?.result.gas)

/** `ask` calls `deposit_cycles` with its own argument. */
const ASKING = wat(`(module
  (import "ic0" "msg_arg_data_size" (func $size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $copy (param i32 i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_data_append" (func $data (param i32 i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (memory 4)
  (table funcref (elem $back))
  (data (i32.const 0) "deposit_cycles")
  (func $back (param i32) (call $reply))
  (func (export "canister_update tell") (call $reply))
  (func (export "canister_update ask")
    (call $copy (i32.const 64) (i32.const 0) (call $size))
    (call $new (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 14) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (call $data (i32.const 64) (call $size))
    (drop (call $perform))))`)

describe('what a host reads of values by itself takes gas for each', () => {
  it('where a user asks the management canister, or says what is not Candid in the end', () => {
    const net = new CanisterNet()
    const canister = net.create(user(1))
    const gas = (arg: Uint8Array): number => {
      net.ingress(canister, 'canister_status', arg, user(1), new Uint8Array(0))
      return lastGas(net)
    }
    const few = gas(argument(canister, 0))
    expect(gas(argument(canister, COUNT))).toBeGreaterThan(few + COUNT * LEAST_GAS)
    expect(gas(concatBytes(argument(canister, COUNT), Uint8Array.of(0)))).toBeGreaterThan(few + COUNT * LEAST_GAS)
    expect(few).toBeLessThan(COUNT * LEAST_GAS)
    expect(net.replay(canister)).toBe(net.root(canister))
  })

  it('where the code of a canister does', () => {
    const net = new CanisterNet()
    const canister = net.installed(ASKING)
    const gas = (values: number): number => {
      const before = net.results.length
      expect(net.ingress(canister, 'ask', argument(canister, values))?.reply).toBeDefined()
      return Number(net.results[before]?.result.gas)
    }
    expect(gas(COUNT)).toBeGreaterThan(gas(0) + COUNT * LEAST_GAS)
    expect(net.replay(canister)).toBe(net.root(canister))
  })

  it('where JSON is made Candid', () => {
    const net = new CanisterNet()
    const canister = net.installed(ASKING)
    const gas = (data: string): number => {
      const { bytes } = messageItem(canister, { tags: { Action: 'tell' }, data, signer: 3 })
      expect(net.put(canister, { kind: 'item', item: bytes }).status).toBe('ok')
      return lastGas(net)
    }
    const many = `[${'0,'.repeat(COUNT)}0]`
    expect(gas(many)).toBeGreaterThan(gas(JSON.stringify(many)) + COUNT * LEAST_GAS)
    expect(net.replay(canister)).toBe(net.root(canister))
  })
})
