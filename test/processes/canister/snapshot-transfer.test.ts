import { IDL } from '@icp-sdk/core/candid'
import { Principal } from '@icp-sdk/core/principal'
import { describe, expect, it } from 'vitest'
import { type CanisterAnswer, principalOf, type ProcessId } from '../../../protocol/index.ts'
import { wat } from '../rewriter/wat.ts'
import { CanisterNet, user } from './canister-net.ts'

/** Has state of every kind: globals, heap, stable memory, certified data, a timer. */
const FULL = wat(`(module
  (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
  (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
  (import "ic0" "certified_data_set" (func $certify (param i32 i32)))
  (import "ic0" "global_timer_set" (func $timer (param i64) (result i64)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (memory 2 4)
  (global $a (mut i32) (i32.const 0)) (global $b (mut i64) (i64.const 0))
  (global $c (mut f32) (f32.const 0)) (global $d (mut f64) (f64.const 0))
  (func (export "canister_init")
    (drop (call $grow (i64.const 3)))
    (drop (memory.grow (i32.const 1)))
    (memory.fill (i32.const 65000) (i32.const 7) (i32.const 1000))
    (call $write (i64.const 131000) (i64.const 65000) (i64.const 1000))
    (call $certify (i32.const 65000) (i32.const 32))
    (drop (call $timer (i64.const 9000000000000000000)))
    (global.set $a (i32.const -5)) (global.set $b (i64.const -6)) (global.set $c (f32.const 1.5)) (global.set $d (f64.const 2.5)))
  (func (export "canister_query a") (i32.store (i32.const 0) (global.get $a)) (call $append (i32.const 0) (i32.const 4)) (call $reply)))`)

const Global = IDL.Variant({ i32: IDL.Int32, i64: IDL.Int64, f32: IDL.Float32, f64: IDL.Float64, v128: IDL.Nat })
const Timer = IDL.Opt(IDL.Variant({ inactive: IDL.Null, active: IDL.Nat64 }))
const Hook = IDL.Opt(IDL.Variant({ condition_not_satisfied: IDL.Null, ready: IDL.Null, executed: IDL.Null }))
const Bytes = IDL.Vec(IDL.Nat8)
const PARTS = {
  wasm_module_size: IDL.Nat64,
  globals: IDL.Vec(Global),
  wasm_memory_size: IDL.Nat64,
  stable_memory_size: IDL.Nat64,
  certified_data: Bytes,
  global_timer: Timer,
  on_low_wasm_memory_hook_status: Hook,
}
const Metadata = IDL.Record({
  ...PARTS,
  source: IDL.Variant({ taken_from_canister: IDL.Reserved, metadata_upload: IDL.Reserved }),
  taken_at_timestamp: IDL.Nat64,
  wasm_chunk_store: IDL.Vec(IDL.Record({ hash: Bytes })),
  canister_version: IDL.Nat64,
})
const Range = IDL.Record({ offset: IDL.Nat64, size: IDL.Nat64 })
const ReadKind = IDL.Variant({
  wasm_module: Range,
  wasm_memory: Range,
  stable_memory: Range,
  wasm_chunk: IDL.Record({ hash: Bytes }),
})
const Offset = IDL.Record({ offset: IDL.Nat64 })
const WriteKind = IDL.Variant({ wasm_module: Offset, wasm_memory: Offset, stable_memory: Offset, wasm_chunk: IDL.Null })
const Snapshot = IDL.Record({ id: Bytes, taken_at_timestamp: IDL.Nat64, total_size: IDL.Nat64 })
type Metadata = Record<keyof typeof PARTS, unknown> & Record<string, unknown>
const SIZES = {
  wasm_module: 'wasm_module_size',
  wasm_memory: 'wasm_memory_size',
  stable_memory: 'stable_memory_size',
} as const

class Canister {
  readonly net: CanisterNet
  readonly process: ProcessId

  constructor(net: CanisterNet, wasm?: Uint8Array) {
    this.net = net
    this.process = wasm === undefined ? net.create(user(1)) : net.installed(wasm)
  }

  call(method: string, fields: Record<string, readonly [IDL.Type, unknown]> = {}, sender = user(1)): CanisterAnswer {
    const all = {
      canister_id: [IDL.Principal, Principal.fromUint8Array(principalOf(this.process))] as const,
      ...fields,
    }
    const type = IDL.Record(Object.fromEntries(Object.entries(all).map(([name, [one]]) => [name, one])))
    const arg = IDL.encode([type], [Object.fromEntries(Object.entries(all).map(([name, [, value]]) => [name, value]))])
    const answer = this.net.ingress(this.process, method, arg, sender, new Uint8Array(0))
    if (answer === undefined) throw new Error('expected an answer')
    return answer
  }

  decoded<T>(type: IDL.Type, method: string, fields: Record<string, readonly [IDL.Type, unknown]> = {}): T {
    const { reply, reject } = this.call(method, fields)
    if (reject !== undefined) throw new Error(reject.message)
    return IDL.decode([type], reply.slice())[0] as T
  }

  take(): Uint8Array {
    return this.decoded<{ id: Uint8Array }>(Snapshot, 'take_canister_snapshot').id
  }

  metadata(id: Uint8Array): Metadata {
    return this.decoded(Metadata, 'read_canister_snapshot_metadata', { snapshot_id: [Bytes, id] })
  }

  read(id: Uint8Array, kind: object): CanisterAnswer {
    return this.call('read_canister_snapshot_data', { snapshot_id: [Bytes, id], kind: [ReadKind, kind] })
  }

  data(id: Uint8Array, kind: object): Uint8Array {
    const { reply, reject } = this.read(id, kind)
    if (reject !== undefined) throw new Error(reject.message)
    return (IDL.decode([IDL.Record({ chunk: Bytes })], reply.slice())[0] as unknown as { chunk: Uint8Array }).chunk
  }

  upload(metadata: Metadata): CanisterAnswer {
    const parts = Object.entries(PARTS).map(([name, type]) => [name, [type, metadata[name]]] as const)
    return this.call('upload_canister_snapshot_metadata', Object.fromEntries(parts))
  }

  uploaded(metadata: Metadata): Uint8Array {
    const { reply, reject } = this.upload(metadata)
    if (reject !== undefined) throw new Error(reject.message)
    return (
      IDL.decode([IDL.Record({ snapshot_id: Bytes })], reply.slice())[0] as unknown as { snapshot_id: Uint8Array }
    ).snapshot_id
  }

  write(id: Uint8Array, kind: object, chunk: Uint8Array): CanisterAnswer {
    return this.call('upload_canister_snapshot_data', {
      snapshot_id: [Bytes, id],
      kind: [WriteKind, kind],
      chunk: [Bytes, chunk],
    })
  }

  load(id: Uint8Array): CanisterAnswer {
    return this.call('load_canister_snapshot', { snapshot_id: [Bytes, id] })
  }
}

const chunk = Uint8Array.of(1, 2, 3)

/** All bytes of a snapshot, kind by kind. */
function contents(from: Canister, id: Uint8Array): Record<string, Uint8Array> {
  const metadata = from.metadata(id)
  return Object.fromEntries(
    Object.entries(SIZES).map(([kind, size]) => [
      kind,
      from.data(id, { [kind]: { offset: 0n, size: metadata[size] } }),
    ]),
  )
}

function original(): { net: CanisterNet; from: Canister; id: Uint8Array } {
  const net = new CanisterNet()
  const from = new Canister(net, FULL)
  from.call('upload_chunk', { chunk: [Bytes, chunk] })
  return { net, from, id: from.take() }
}

describe('a snapshot', () => {
  it('is read, uploaded to another canister in pieces of any size, loaded there, and is the same', async () => {
    const { net, from, id } = original()
    const metadata = from.metadata(id)
    expect(metadata).toMatchObject({
      source: { taken_from_canister: null },
      globals: [{ i32: -5 }, { i64: -6n }, { f32: 1.5 }, { f64: 2.5 }],
      wasm_memory_size: 196_608n,
      stable_memory_size: 196_608n,
      certified_data: new Uint8Array(32).fill(7),
      global_timer: [{ active: 9_000_000_000_000_000_000n }],
      on_low_wasm_memory_hook_status: [{ condition_not_satisfied: null }],
    })
    const to = new Canister(net)
    const copy = to.uploaded(metadata)
    for (const [kind, bytes] of Object.entries(contents(from, id))) {
      for (let at = 0; at < bytes.length; at += 50_001) {
        expect(to.write(copy, { [kind]: { offset: BigInt(at) } }, bytes.subarray(at, at + 50_001)).reply).toBeDefined()
      }
    }
    for (const { hash } of metadata['wasm_chunk_store'] as { hash: Uint8Array }[]) {
      to.write(copy, { wasm_chunk: null }, from.data(id, { wasm_chunk: { hash } }))
    }
    expect(to.load(copy)).toMatchObject({ reply: expect.anything() })
    const again = to.take()
    expect(contents(to, again)).toEqual(contents(from, id))
    const { source: _, canister_version: _v, taken_at_timestamp: _t, ...rest } = metadata
    expect(to.metadata(again)).toMatchObject(rest)
    expect(to.metadata(copy)['source']).toEqual({ metadata_upload: null })
    expect((await net.query(to.process, 'a')).reply).toEqual(Uint8Array.of(251, 255, 255, 255))
    for (const { process } of [from, to]) expect(net.replay(process)).toBe(net.root(process))
  })

  it('is read and written within its bounds only', () => {
    const { from, id } = original()
    const size = from.metadata(id).wasm_memory_size as bigint
    expect(from.read(id, { wasm_memory: { offset: size, size: 1n } }).reject?.error).toBe('IC0408')
    expect(from.read(id, { wasm_memory: { offset: 2n ** 64n - 1n, size: 1n } }).reject?.error).toBe('IC0408')
    expect(from.read(id, { wasm_memory: { offset: 0n, size: 2n ** 32n } }).reject?.error).toBe('IC0408')
    expect(from.read(id, { wasm_chunk: { hash: new Uint8Array(32) } }).reject?.error).toBe('IC0408')
    expect(from.read(Uint8Array.of(1), { wasm_memory: { offset: 0n, size: 1n } }).reject?.error).toBe('IC0305')
    expect(from.write(id, { wasm_memory: { offset: 0n } }, chunk).reject).toMatchObject({ code: 4, error: 'IC0409' })
    const copy = from.uploaded(from.metadata(id))
    expect(from.write(copy, { wasm_memory: { offset: size - 2n } }, chunk).reject?.error).toBe('IC0408')
    expect(from.write(copy, { wasm_memory: { offset: size - 3n } }, chunk).reply).toBeDefined()
    expect(from.data(copy, { wasm_memory: { offset: size - 4n, size: 4n } })).toEqual(Uint8Array.of(0, 1, 2, 3))
  })

  it('of which not all fits together is not loaded, and leaves the canister as it was', async () => {
    const { net, from, id } = original()
    const metadata = from.metadata(id)
    const code = from.data(id, { wasm_module: { offset: 0n, size: metadata.wasm_module_size } })
    const refused = (changed: Partial<Metadata>, bytes = code): string => {
      const copy = from.uploaded({ ...metadata, ...changed })
      from.write(copy, { wasm_module: { offset: 0n } }, bytes)
      const { reject } = from.load(copy)
      from.call('delete_canister_snapshot', { snapshot_id: [Bytes, copy] })
      return reject?.error ?? 'loaded'
    }
    expect(refused({ globals: [{ i32: 1 }] })).toBe('IC0408')
    expect(refused({ globals: [{ i64: 1n }, { i32: 1 }, { f32: 1 }, { f64: 1 }] })).toBe('IC0408')
    expect(refused({ wasm_memory_size: 65_536n })).toBe('IC0408')
    expect(refused({ wasm_memory_size: 5n * 65_536n })).toBe('IC0408')
    expect(refused({}, code.slice(0, 8).fill(1))).toBe('IC0505')
    const many = Array.from({ length: 1_001 }, (_, at) => `(export "canister_query ${at}" (func $nothing))`)
    const beyond = wat(`(module (memory 2 4) (func $nothing) ${many.join(' ')})`)
    expect(refused({ globals: [], wasm_module_size: BigInt(beyond.length) }, beyond)).toBe('IC0505')
    expect(refused({})).toBe('loaded')
    expect(from.upload({ ...metadata, wasm_memory_size: 65_537n }).reject?.error).toBe('IC0408')
    expect(from.upload({ ...metadata, wasm_memory_size: 2n ** 60n }).reject?.error).toBe('IC0402')
    expect(from.upload({ ...metadata, wasm_module_size: 2n ** 60n }).reject?.error).toBe('IC0408')
    expect(from.upload({ ...metadata, certified_data: new Uint8Array(33) }).reject?.error).toBe('IC0408')
    expect(from.upload({ ...metadata, globals: [{ v128: 1n }] }).reject?.error).toBe('IC0408')
    const globals = Array.from({ length: 9_000 }, () => ({ i64: -1n }))
    expect(from.upload({ ...metadata, globals }).reject).toMatchObject({ code: 4, error: 'IC0402' })
    expect(from.upload({ ...metadata, globals: globals.slice(0, 7_000) }).reply).toBeDefined()
    from.uploaded({ ...metadata, wasm_memory_size: 2n ** 30n, stable_memory_size: 2n ** 30n })
    expect(from.upload({ ...metadata, wasm_memory_size: 2n ** 30n }).reject?.error).toBe('IC0402')
    expect((await net.query(from.process, 'a')).reply).toEqual(Uint8Array.of(251, 255, 255, 255))
    expect(net.replay(from.process)).toBe(net.root(from.process))
  })

  it('leaves timers alone of which its metadata say nothing', () => {
    const { from, id } = original()
    const metadata = from.metadata(id)
    const copy = from.uploaded({ ...metadata, global_timer: [], on_low_wasm_memory_hook_status: [] })
    from.write(
      copy,
      { wasm_module: { offset: 0n } },
      from.data(id, { wasm_module: { offset: 0n, size: metadata.wasm_module_size } }),
    )
    expect(from.load(copy).reply).toBeDefined()
    expect(from.metadata(from.take())['global_timer']).toEqual(metadata.global_timer)
    expect(from.metadata(copy)).toMatchObject({ global_timer: [], on_low_wasm_memory_hook_status: [] })
  })

  it('is seen by those whom the settings name', () => {
    const { from, id } = original()
    const read = (): string | undefined =>
      from.call('read_canister_snapshot_metadata', { snapshot_id: [Bytes, id] }, user(2)).reject?.error
    expect(read()).toBe('IC0512')
    const Visibility = IDL.Variant({ controllers: IDL.Null, public: IDL.Null, allowed_viewers: IDL.Vec(IDL.Principal) })
    const allow = (who: object) =>
      from.call('update_settings', {
        settings: [IDL.Record({ snapshot_visibility: IDL.Opt(Visibility) }), { snapshot_visibility: [who] }],
      })
    allow({ allowed_viewers: [Principal.fromUint8Array(user(2))] })
    expect(read()).toBeUndefined()
    expect(from.call('load_canister_snapshot', { snapshot_id: [Bytes, id] }, user(2)).reject?.error).toBe('IC0512')
    allow({ controllers: null })
    expect(read()).toBe('IC0512')
  })
})
