import { describe, expect, it } from 'vitest'
import {
  type CandidRecord,
  type CandidType,
  type CandidValue,
  candidFields,
  candidLabel,
  candidRecord,
  CborWriter,
  concatBytes,
  decodeCandid,
  decodePushBody,
  encodeCandid,
  firstRecord,
  MalformedBytes,
  makePush,
  principalOf,
  type ProcessId,
} from '../../../protocol/index.ts'
import { decodeHead } from '../../../processes/canister/management/snapshot-store.ts'
import { wat } from '../rewriter/wat.ts'
import { BLOB, CanisterNet, loadCanisters, NOTHING, user } from './canister-net.ts'

/** State of every kind, more of it than one answer carries; `get` tells globals, and a byte of heap and of stable memory. */
const FULL = wat(`(module
  (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
  (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
  (import "ic0" "stable64_read" (func $read (param i64 i64 i64)))
  (import "ic0" "certified_data_set" (func $certify (param i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (memory 40 60)
  (global $a (mut i32) (i32.const 0)) (global $d (mut f64) (f64.const 0))
  (func (export "canister_init")
    (drop (call $grow (i64.const 40)))
    (drop (memory.grow (i32.const 4)))
    (memory.fill (i32.const 65536) (i32.const 7) (i32.const 2000000))
    (call $write (i64.const 100) (i64.const 65536) (i64.const 1500000))
    (call $certify (i32.const 65536) (i32.const 32))
    (global.set $a (i32.const -5)) (global.set $d (f64.const 2.5)))
  (func (export "canister_update grow") (drop (call $grow (i64.const 1))) (call $reply))
  (func (export "canister_query get")
    (i32.store (i32.const 0) (global.get $a)) (f64.store (i32.const 4) (global.get $d))
    (i32.store8 (i32.const 12) (i32.load8_u (i32.const 2065535)))
    (call $read (i64.const 13) (i64.const 1500099) (i64.const 2))
    (call $append (i32.const 0) (i32.const 15)) (call $reply)))`)
const TOLD = [251, 255, 255, 255, 0, 0, 0, 0, 0, 0, 4, 64, 7, 7, 0]

const blobIn = (bytes: Uint8Array | undefined, field: string): Uint8Array =>
  firstRecord(decodeCandid(bytes ?? NOTHING)).get(candidLabel(field)) as Uint8Array

function take(net: CanisterNet, canister: ProcessId): Uint8Array {
  const answer = net.manage(canister, 'take_canister_snapshot')
  if (answer?.reply === undefined) throw new Error(answer?.reject.message)
  return blobIn(answer.reply, 'id').slice()
}

const load = (net: CanisterNet, canister: ProcessId, id: Uint8Array, sender = user(1)) =>
  net.manage(canister, 'load_canister_snapshot', { snapshot_id: [BLOB, id] }, sender)
const told = async (net: CanisterNet, canister: ProcessId) => [...((await net.query(canister, 'get')).reply ?? [])]

/** What `canister_status` and its own snapshot tell of a canister's size. */
function sizes(net: CanisterNet, canister: ProcessId): unknown {
  const record = firstRecord(decodeCandid(net.manage(canister, 'canister_status')?.reply ?? NOTHING))
  const module = record.get(candidLabel('module_hash'))
  const { record: memory } = record.get(candidLabel('memory_metrics')) as { record: CandidRecord }
  return [
    module,
    memory.get(candidLabel('wasm_memory_size')),
    memory.get(candidLabel('stable_memory_size')),
    memory.get(candidLabel('wasm_chunk_store_size')),
  ]
}

describe('a snapshot of another canister', { timeout: 180_000 }, () => {
  it('is loaded by who controls both, whatever the canister was before, and replays from the feed alone', async () => {
    const net = new CanisterNet()
    const from = net.installed(FULL)
    const chunk = new Uint8Array(1024 * 1024).fill(9)
    net.manage(from, 'upload_chunk', { chunk: [BLOB, chunk] })
    net.manage(from, 'upload_chunk', { chunk: [BLOB, chunk.subarray(1)] })
    const id = take(net, from)
    const [empty, other] = [net.create(user(1)), net.installed(wat('(module (memory 1))'))]
    net.manage(other, 'stop_canister')
    for (const to of [empty, other]) {
      const before = net.results.length
      expect(load(net, to, id)).toMatchObject({ reply: NOTHING })
      // Code, 2 MB of heap, 1.5 MB of stable memory and 2 MB of chunks do not come at once.
      expect(net.results.slice(before).filter(({ process }) => process === from).length).toBeGreaterThan(2)
      net.manage(to, 'start_canister')
      expect(await told(net, to)).toEqual(TOLD)
      expect(sizes(net, to)).toEqual(sizes(net, from))
      const details = net.manage(to, 'canister_status')
      expect(details?.reply).toBeDefined()
    }
    // It goes on from there, and its own snapshot is as that of the other.
    expect(net.ingress(empty, 'grow')?.reply).toBeDefined()
    expect(load(net, empty, take(net, empty))?.reply).toEqual(NOTHING)
    // Where it came from does not matter any more.
    net.manage(from, 'stop_canister')
    net.manage(from, 'delete_canister')
    expect(await told(net, empty)).toEqual(TOLD)
    for (const process of [from, empty, other]) expect(net.replay(process)).toBe(net.root(process))
    expect(load(net, other, id)?.reject).toMatchObject({ code: 3, error: 'IC0305' })
  })

  it('is loaded where its code is the module of its process', async () => {
    const own = loadCanisters(FULL)
    const modules = [loadCanisters(), own]
    const net = new CanisterNet(modules)
    const from = net.spawn(own)
    const to = net.create(user(1))
    const settings = { controllers: [{ principal: user(1) }] }
    const type = { record: candidFields({ controllers: { vec: 'principal' } as const }) }
    const signer = principalOf(net.member(from).description.owner)
    expect(
      net.manage(from, 'update_settings', { settings: [type, candidRecord(settings)] }, signer)?.reply,
    ).toBeDefined()
    expect(load(net, to, take(net, from))?.reply).toEqual(NOTHING)
    expect(await told(net, to)).toEqual(TOLD)
    expect(net.replay(to, new Map(modules.map(one => [one.id, one])))).toBe(net.root(to))
  })

  it('is refused to who does not control both, and where there is none', () => {
    const net = new CanisterNet()
    const [from, theirs] = [net.installed(wat('(module (memory 1))')), net.create(user(2))]
    const id = take(net, from)
    expect(load(net, theirs, id, user(2))?.reject).toMatchObject({
      code: 4,
      error: 'IC0406',
      message: expect.stringContaining('Only a controller of the canister that snapshot'),
    })
    expect(load(net, theirs, id, user(1))?.reject).toMatchObject({ code: 5, error: 'IC0512' })
    const mine = net.create(user(1))
    const gone = { code: 3, error: 'IC0305' }
    expect(load(net, mine, Uint8Array.from([...id].with(7, 9)))?.reject).toMatchObject(gone)
    expect(
      load(net, mine, concatBytes(id.subarray(0, 8), new Uint8Array(28).fill(3), Uint8Array.of(1)))?.reject,
    ).toMatchObject(gone)
    expect(load(net, mine, id.subarray(0, 20))?.reject).toMatchObject(gone)
    expect(load(net, mine, new Uint8Array(0))?.reject).toMatchObject(gone)
    expect(net.manage(from, 'read_snapshot_pieces')?.reject?.error).toBe('IC0536')
    for (const process of [from, theirs, mine]) expect(net.replay(process)).toBe(net.root(process))
  })

  it('is not put together of two: one that is uploaded to meanwhile is not loaded', async () => {
    const net = new CanisterNet()
    const from = net.installed(FULL)
    const to = net.installed(wat('(module (memory 1) (func (export "canister_query get")))'))
    const copy = uploaded(net, from)
    const write = () =>
      net.manage(from, 'upload_canister_snapshot_data', {
        snapshot_id: [BLOB, copy],
        kind: [
          { variant: candidFields({ wasm_memory: { record: candidFields({ offset: 'nat64' }) } }) },
          { variant: [candidLabel('wasm_memory'), candidRecord({ offset: 0n })] },
        ],
        chunk: [BLOB, Uint8Array.of(1)],
      })
    let pieces = 0
    const stop = between(net, process => {
      if (process === from && (pieces += 1) === 2) write()
    })
    const begun = net.results.length
    load(net, to, copy)
    stop()
    expect(net.answersSince(begun).map(({ reject }) => reject?.error)).toEqual([undefined, 'IC0203'])
    expect((await net.query(to, 'get')).reject?.error).toBe('IC0506')
    expect(load(net, to, copy)?.reply).toEqual(NOTHING)
    expect(await told(net, to)).toEqual(TOLD)
    for (const process of [from, to]) expect(net.replay(process)).toBe(net.root(process))
  })

  it('is checked, whoever gives it: a process that lies is not loaded, and leaves nothing behind', async () => {
    const net = new CanisterNet()
    const from = net.installed(FULL)
    const id = take(net, from)
    const to = net.installed(wat('(module (memory 1) (func (export "canister_query get")))'))
    const honest = net.results.length
    load(net, net.create(user(1)), id)
    const page = net.results.slice(honest).flatMap(({ process, result }) => (process === from ? result.outbox : []))[0]
    const [head, pieces] = (['head', 'pieces'] as const).map(name =>
      blobIn(decodePushBody(page?.bodyBytes ?? NOTHING).data, name).slice(),
    )
    if (head === undefined || pieces === undefined) throw new Error('expected pieces')
    const clean = (): unknown => {
      const keys = net
        .member(to)
        .process.takeDelta()
        .cells.map(([key]) => key)
      return keys.filter(key => key.startsWith('f'))
    }
    const lied = (told: { head?: Uint8Array; pieces?: Uint8Array }): string | undefined => {
      const put = net.put.bind(net)
      net.put = (process, envelope) => {
        if (process !== to || envelope.kind !== 'push') return put(process, envelope)
        const { core, bodyBytes } = envelope.push
        const body = decodePushBody(bodyBytes)
        const push = makePush(core, { ...body, data: answer({ head, pieces, ...told }) })
        return put(process, { ...envelope, push })
      }
      try {
        return load(net, to, id)?.reject?.error ?? 'loaded'
      } finally {
        net.put = put
      }
    }
    expect(lied({ pieces: pagesOf([true]) })).toBe('IC0505')
    expect(lied({ pieces: pagesOf([false]) })).toBe('IC0408')
    expect(lied({ pieces: pagesOf([true, 0, 3, new Uint8Array(1)]) })).toBe('IC0408')
    expect(lied({ pieces: pagesOf([true, 1, 44, new Uint8Array(1)]) })).toBe('IC0408')
    expect(lied({ pieces: pagesOf([true, 1, 2 ** 53, new Uint8Array(1)]) })).toBe('IC0408')
    expect(lied({ pieces: pagesOf([true, 2, 1, new Uint8Array(65_537)]) })).toBe('IC0408')
    expect(lied({ pieces: pagesOf([true, 2, 1, new Uint8Array(1), 2, 1, new Uint8Array(1)]) })).toBe('IC0408')
    expect(lied({ pieces: pagesOf([true, 2, 1, new Uint8Array(1), 1, 2, new Uint8Array(1)]) })).toBe('IC0408')
    expect(lied({ pieces: pagesOf([false, 3, 40, new Uint8Array(1)]) })).toBe('IC0408')
    expect(lied({ pieces: pagesOf([true, 4, 0, new Uint8Array(1)]) })).toBe('IC0408')
    expect(lied({ pieces: Uint8Array.of(0x81) })).toBe('IC0408')
    expect(lied({ head: Uint8Array.of(0x80) })).toBe('IC0408')
    expect(lied({ head: head.slice(0, -3) })).toBe('IC0408')
    expect(decodeHead(head).isUploaded).toBe(false)
    for (const [items, more] of [
      [0x8c, [0]],
      [0x8e, [1, 1]],
      [0x8f, [1]],
    ] as const) {
      const longer = concatBytes(Uint8Array.of(items), head.subarray(1), Uint8Array.from(more))
      expect(() => decodeHead(longer)).toThrow(MalformedBytes)
    }
    expect(clean()).toEqual([])
    expect((await net.query(to, 'get')).reject?.error).toBe('IC0506')
    expect(net.replay(to)).toBe(net.root(to))
  })
})

/** Calls `act` before each push that arrives anywhere. */
function between(net: CanisterNet, act: (process: ProcessId) => void): () => void {
  const put = net.put.bind(net)
  net.put = (process, envelope) => {
    if (envelope.kind === 'push') act(process)
    return put(process, envelope)
  }
  return () => {
    net.put = put
  }
}

const answer = ({ head, pieces }: { readonly head: Uint8Array; readonly pieces: Uint8Array }): Uint8Array =>
  encodeCandid([[{ record: candidFields({ head: BLOB, pieces: BLOB }) }, candidRecord({ head, pieces })]])

function pagesOf(items: readonly (boolean | number | Uint8Array)[]): Uint8Array {
  const writer = new CborWriter()
  writer.array(items.length)
  for (const item of items) {
    if (typeof item === 'boolean') writer.bool(item)
    else if (typeof item === 'number') writer.uint(BigInt(item))
    else writer.bytes(item)
  }
  return writer.finish()
}

/** A snapshot like one of the canister's own, but uploaded. */
function uploaded(net: CanisterNet, canister: ProcessId): Uint8Array {
  const id = take(net, canister)
  const sizes = firstRecord(
    decodeCandid(
      net.manage(canister, 'read_canister_snapshot_metadata', { snapshot_id: [BLOB, id] })?.reply ?? NOTHING,
    ),
  )
  const size = (name: string): bigint => sizes.get(candidLabel(name)) as bigint
  const global: CandidType = { variant: candidFields({ i32: 'int32', f64: 'float64' }) }
  const copy = blobIn(
    net.manage(canister, 'upload_canister_snapshot_metadata', {
      wasm_module_size: ['nat64', size('wasm_module_size')],
      wasm_memory_size: ['nat64', size('wasm_memory_size')],
      stable_memory_size: ['nat64', size('stable_memory_size')],
      certified_data: [BLOB, new Uint8Array(0)],
      globals: [{ vec: global }, sizes.get(candidLabel('globals')) as CandidValue],
    })?.reply,
    'snapshot_id',
  ).slice()
  for (const kind of ['wasm_module', 'wasm_memory', 'stable_memory']) {
    for (let at = 0n; at < size(`${kind}_size`); at += PIECE) {
      const length = size(`${kind}_size`) - at < PIECE ? size(`${kind}_size`) - at : PIECE
      const range: CandidType = { record: candidFields({ offset: 'nat64', size: 'nat64' }) }
      const offset: CandidType = { record: candidFields({ offset: 'nat64' }) }
      const read = net.manage(canister, 'read_canister_snapshot_data', {
        snapshot_id: [BLOB, id],
        kind: [
          { variant: candidFields({ [kind]: range }) },
          { variant: [candidLabel(kind), candidRecord({ offset: at, size: length })] },
        ],
      })
      net.manage(canister, 'upload_canister_snapshot_data', {
        snapshot_id: [BLOB, copy],
        kind: [
          { variant: candidFields({ [kind]: offset }) },
          { variant: [candidLabel(kind), candidRecord({ offset: at })] },
        ],
        chunk: [BLOB, blobIn(read?.reply, 'chunk')],
      })
    }
  }
  return copy
}

const PIECE = 1_900_000n
