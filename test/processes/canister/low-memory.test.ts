import { expect, it } from 'vitest'
import { candidFields, candidRecord, type ProcessId, toHex } from '../../../protocol/index.ts'
import { wat } from '../rewriter/wat.ts'
import { CanisterNet, NOTHING } from './canister-net.ts'

const PAGE = 65_536n

/** `grow` takes one more page; `heard` tells how often the hook ran, which takes a byte of a global. */
const PROGRAM = wat(`(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (memory 1)
  (global $heard (mut i32) (i32.const 0))
  (func (export "canister_on_low_wasm_memory") (global.set $heard (i32.add (global.get $heard) (i32.const 1))))
  (func (export "canister_update grow") (drop (memory.grow (i32.const 1))) (call $reply))
  (func (export "canister_update fail") (drop (memory.grow (i32.const 9))) unreachable)
  (func (export "canister_query heard")
    (i32.store8 (i32.const 0) (global.get $heard))
    (call $append (i32.const 0) (i32.const 1))
    (call $reply)))`)

const FIELDS = { wasm_memory_limit: { opt: 'nat' }, wasm_memory_threshold: { opt: 'nat' } } as const

function settle(net: CanisterNet, canister: ProcessId, limit: bigint, threshold: bigint): void {
  const settings = candidRecord({ wasm_memory_limit: { opt: limit }, wasm_memory_threshold: { opt: threshold } })
  const answer = net.manage(canister, 'update_settings', { settings: [{ record: candidFields(FIELDS) }, settings] })
  if (answer?.reply === undefined) throw new Error(`not set: ${answer?.reject.message}`)
}

const heard = async (net: CanisterNet, canister: ProcessId): Promise<string> =>
  toHex((await net.query(canister, 'heard')).reply ?? NOTHING)

it('a canister hears once that little of its memory is left, and again after there was more', async () => {
  const net = new CanisterNet()
  const canister = net.installed(PROGRAM)
  const grow = (): unknown => net.ingress(canister, 'grow')
  grow()
  expect(await heard(net, canister)).toBe('00')
  settle(net, canister, 8n * PAGE, 5n * PAGE)
  // Six of eight pages are left, then five: not less than the threshold.
  grow()
  expect(await heard(net, canister)).toBe('00')
  net.ingress(canister, 'fail')
  expect(await heard(net, canister)).toBe('00')
  grow()
  expect(await heard(net, canister)).toBe('01')
  grow()
  expect(await heard(net, canister)).toBe('01')
  settle(net, canister, 20n * PAGE, 5n * PAGE)
  settle(net, canister, 8n * PAGE, 5n * PAGE)
  expect(await heard(net, canister)).toBe('02')
  expect(net.replay(canister)).toBe(net.root(canister))
  net.wakeElsewhere(canister).close()
})
