import { expect, it } from 'vitest'
import {
  candidFields,
  candidLabel,
  candidRecord,
  type CandidType,
  type CandidValue,
  decodeCandid,
  firstRecord,
  principalOf,
  type ProcessId,
  sha256,
} from '../../../protocol/index.ts'
import { wat } from '../rewriter/wat.ts'
import { BLOB, CanisterNet, NOTHING, user } from './canister-net.ts'

/** Replies with a byte; its data make it as long as it has to be. */
const code = (bytes: number): Uint8Array =>
  wat(`(module
    (import "ic0" "msg_reply" (func $reply))
    (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
    (memory 40)
    (data (i32.const 0) "${'x'.repeat(bytes)}")
    (func (export "canister_init"))
    (func (export "canister_query get") (call $append (i32.const 0) (i32.const 1)) (call $reply)))`)
const WASM = code(1_300_000)
const MiB = 1024 * 1024

const blobIn = (bytes: Uint8Array | undefined, field: string): Uint8Array =>
  firstRecord(decodeCandid(bytes ?? NOTHING)).get(candidLabel(field)) as Uint8Array

/** Uploads code in chunks of the largest size that fits a request; gives their hashes. */
function upload(net: CanisterNet, store: ProcessId, wasm: Uint8Array, size = MiB): Uint8Array[] {
  const hashes: Uint8Array[] = []
  for (let at = 0; at < wasm.length; at += size) {
    hashes.push(blobIn(net.manage(store, 'upload_chunk', { chunk: [BLOB, wasm.slice(at, at + size)] })?.reply, 'hash'))
  }
  return hashes
}

const HASH: CandidType = { record: candidFields({ hash: BLOB }) }

function wish(
  store: ProcessId | Uint8Array,
  hashes: readonly Uint8Array[],
  wasm = WASM,
): Record<string, readonly [CandidType, CandidValue]> {
  return {
    mode: [{ variant: candidFields({ install: 'null' }) }, { variant: [candidLabel('install'), null] }],
    store_canister: [
      { opt: 'principal' },
      { opt: { principal: typeof store === 'string' ? principalOf(store) : store } },
    ],
    chunk_hashes_list: [{ vec: HASH }, hashes.map(hash => candidRecord({ hash }))],
    wasm_module_hash: [BLOB, sha256(wasm)],
    arg: [BLOB, NOTHING],
  }
}

const given = async (net: CanisterNet, canister: ProcessId) => (await net.query(canister, 'get')).reply

it('installs code whose chunks lie in the store of another canister of the same controller', async () => {
  const net = new CanisterNet()
  const [store, target] = [net.create(user(1)), net.create(user(1))]
  const hashes = upload(net, store, WASM)
  expect(hashes.length).toBe(2)
  expect(net.manage(target, 'install_chunked_code', wish(store, hashes))?.reply).toEqual(NOTHING)
  expect(await given(net, target)).toEqual(Uint8Array.of(120))
  expect(net.manage(target, 'install_chunked_code', wish(store, hashes))?.reject?.error).toBe('IC0514')
  expect(await given(net, target)).toEqual(Uint8Array.of(120))
  // Nothing of it is left: what waits for answers could load no snapshot.
  const id = blobIn(net.manage(target, 'take_canister_snapshot')?.reply, 'id')
  expect(net.manage(target, 'load_canister_snapshot', { snapshot_id: [BLOB, id] })?.reply).toEqual(NOTHING)
  for (const process of [store, target]) expect(net.replay(process)).toBe(net.root(process))
})

it('gives chunks to whom the canister of the store belongs alone, and says what is wrong', () => {
  const net = new CanisterNet()
  const [store, theirs] = [net.create(user(1)), net.create(user(2))]
  const small = code(10)
  const hashes = upload(net, store, small)
  const from = (fields: ReturnType<typeof wish>) => net.manage(theirs, 'install_chunked_code', fields, user(2))?.reject
  expect(from(wish(store, hashes, small))).toMatchObject({ code: 5, error: 'IC0512' })
  expect(net.manage(theirs, 'install_chunked_code', wish(store, hashes, small), user(1))?.reject?.error).toBe('IC0512')
  const own = net.create(user(2))
  expect(from(wish(own, hashes, small))?.error).toBe('IC0408')
  expect(from(wish(Uint8Array.from([...new Uint8Array(28).fill(9), 1]), hashes, small))).toMatchObject({
    code: 3,
    error: 'IC0301',
  })
  expect(from(wish(own, [], small))?.error).toBe('IC0408')
  const mine = net.create(user(1))
  expect(net.manage(mine, 'install_chunked_code', wish(store, hashes, WASM))?.reject).toMatchObject({
    error: 'IC0408',
    message: expect.stringContaining('hash'),
  })
  expect(net.manage(mine, 'install_chunked_code', wish(store, hashes, small))?.reply).toEqual(NOTHING)
  for (const method of ['read_stored_chunk']) expect(net.manage(store, method)?.reject?.error).toBe('IC0536')
  for (const process of [store, theirs, mine]) expect(net.replay(process)).toBe(net.root(process))
})

it('ends when the store never answers, or the canister is emptied meanwhile; one at a time', () => {
  const net = new CanisterNet()
  const [store, target] = [net.create(user(1)), net.create(user(1))]
  const small = code(10)
  const fields = wish(store, upload(net, store, small), small)
  expect(net.manage(target, 'install_chunked_code', fields)?.reply).toEqual(NOTHING)
  const lost = <T>(act: () => T): T => {
    let given: { readonly it: T } | undefined
    net.hold(() => {
      given = { it: act() }
    })
    net.dropHeld()
    if (given === undefined) throw new Error('expected it to be done')
    return given.it
  }
  const upgrade = {
    ...fields,
    mode: [{ variant: candidFields({ reinstall: 'null' }) }, { variant: [candidLabel('reinstall'), null] }] as const,
  }
  const begin = () => lost(() => net.manage(target, 'install_chunked_code', upgrade))
  expect(begin()).toBeUndefined()
  expect(net.manage(target, 'install_chunked_code', upgrade)?.reject).toMatchObject({ code: 2, error: 'IC0203' })
  let before = net.results.length
  net.pass(1_000_000)
  expect(net.answersSince(before)).toMatchObject([{ reject: { error: 'IC0601' } }])
  expect(begin()).toBeUndefined()
  before = net.results.length
  net.manage(target, 'uninstall_code')
  expect(net.answersSince(before)).toMatchObject([{ reject: { error: 'IC0537' } }, { reply: NOTHING }])
  // Messages to the first store have got lost, so that no later one is taken.
  const other = net.create(user(1))
  expect(net.manage(target, 'install_chunked_code', wish(other, upload(net, other, small), small))?.reply).toEqual(
    NOTHING,
  )
  expect(net.replay(target)).toBe(net.root(target))
})
