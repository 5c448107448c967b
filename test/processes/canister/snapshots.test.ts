import { describe, expect, it } from 'vitest'
import { candidLabel, decodeCandid, firstRecord, type ProcessId } from '../../../protocol/index.ts'
import { wat } from '../rewriter/wat.ts'
import { BLOB, CanisterNet } from './canister-net.ts'

/** Has 64 pages of stable memory that are not zero. */
const FULL = wat(`(module
  (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
  (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
  (memory 64)
  (func (export "canister_init")
    (drop (call $grow (i64.const 64)))
    (memory.fill (i32.const 0) (i32.const 7) (i32.const 4194304))
    (call $write (i64.const 0) (i64.const 0) (i64.const 4194304))))`)

function take(net: CanisterNet, canister: ProcessId, replaced?: Uint8Array): Uint8Array {
  const answer = net.manage(
    canister,
    'take_canister_snapshot',
    replaced === undefined ? {} : { replace_snapshot: [BLOB, replaced] },
  )
  if (answer?.reply === undefined) throw new Error(answer?.reject.message)
  return firstRecord(decodeCandid(answer.reply)).get(candidLabel('id')) as Uint8Array
}

const count = (net: CanisterNet, canister: ProcessId): number =>
  (decodeCandid(net.manage(canister, 'list_canister_snapshots')?.reply ?? new Uint8Array(0))[0] as unknown[]).length

describe('snapshots of canisters', { timeout: 180_000 }, () => {
  it('cost gas for each byte that is copied, in both directions', () => {
    const net = new CanisterNet()
    const canister = net.installed(FULL)
    const id = take(net, canister)
    expect(net.results.at(-1)?.result.gas).toBeGreaterThan(4n * 8_388_608n)
    net.manage(canister, 'load_canister_snapshot', { snapshot_id: [BLOB, id] })
    expect(net.results.at(-1)?.result.gas).toBeGreaterThan(4n * 8_388_608n)
  })

  it('are replaced only by one that could be taken', () => {
    const net = new CanisterNet()
    const canister = net.installed(wat('(module (memory 1))'))
    const id = take(net, canister)
    net.manage(canister, 'uninstall_code')
    expect(net.manage(canister, 'take_canister_snapshot', { replace_snapshot: [BLOB, id] })?.reject?.error).toBe(
      'IC0406',
    )
    expect(count(net, canister)).toBe(1)
    expect(net.manage(canister, 'load_canister_snapshot', { snapshot_id: [BLOB, id] })?.reply).toBeDefined()
    const others = Array.from({ length: 9 }, () => take(net, canister))
    expect(net.manage(canister, 'take_canister_snapshot')?.reject).toMatchObject({ code: 4, error: 'IC0406' })
    take(net, canister, others[0])
    expect(count(net, canister)).toBe(10)
    expect(net.replay(canister)).toBe(net.root(canister))
  })
})
