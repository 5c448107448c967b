import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { wat } from '../rewriter/wat.ts'
import {
  type CandidFields,
  type CandidType,
  type CandidValue,
  candidFields,
  candidLabel,
  candidRecord,
  decodeCandid,
  encodeCandid,
  firstRecord,
  sha256,
  toHex,
} from '../../../protocol/index.ts'
import { IDL } from '@icp-sdk/core/candid'
import { Principal } from '@icp-sdk/core/principal'
import { BLOB, CanisterNet, nat, replied, snapshotOf, user } from './canister-net.ts'
import { motoko } from './motoko.ts'
import { COUNTER } from './programs.ts'
import { HostedProcess } from '../../../compute-unit/index.ts'

const UPGRADED = COUNTER.replace('n += 1; n', 'n += 10; n')
const FAILING = COUNTER.replace('public func inc', 'system func postupgrade() { assert false }; public func inc')

describe('install_code', { timeout: 180_000 }, () => {
  it('refuses those who do not control the canister, code that is none, and a second installation', () => {
    const net = new CanisterNet()
    const process = net.create(user(1))
    const wasm = motoko(COUNTER)
    expect(net.install(process, wasm, { sender: user(2) })?.reject?.error).toBe('IC0512')
    expect(net.install(process, Uint8Array.of(1, 2, 3))?.reject?.error).toBe('IC0505')
    expect(net.ingress(process, 'inc')?.reject?.error).toBe('IC0537')
    expect(net.install(process, wasm)?.reply).toBeDefined()
    expect(net.install(process, wasm)?.reject?.error).toBe('IC0514')
    expect(replied(net.ingress(process, 'inc'))).toBe(1n)
  })

  it.each([
    ['a heap that is kept', 'wasm64', true],
    ['stable variables', 'wasm32', undefined],
  ] as const)('upgrades with %s', async (_, kind, keep) => {
    const net = new CanisterNet()
    const counter = net.installed(motoko(COUNTER, kind))
    net.ingress(counter, 'add', nat(5))
    const options = keep === undefined ? {} : { keep }
    expect(net.install(counter, motoko(UPGRADED, kind), { mode: 'upgrade', ...options })?.reply).toBeDefined()
    expect(replied(net.ingress(counter, 'inc'))).toBe(15n)
    expect(net.replay(counter)).toBe(net.root(counter))
    const again = net.wakeElsewhere(counter)
    expect(toHex(again.stateRoot())).toBe(net.root(counter))
  })

  it('leaves the canister as it was if an upgrade fails', async () => {
    const net = new CanisterNet()
    const counter = net.installed(motoko(COUNTER))
    net.ingress(counter, 'add', nat(5))
    const answer = net.install(counter, motoko(FAILING), { mode: 'upgrade', keep: true })
    expect(answer?.reject?.error).toBe('IC0503')
    expect(net.install(counter, motoko(UPGRADED), { mode: 'upgrade' })?.reject?.message).toContain(
      'Missing upgrade option',
    )
    expect(replied(net.ingress(counter, 'inc'))).toBe(6n)
    expect(net.replay(counter)).toBe(net.root(counter))
  })

  it('takes what gzip packed, and forgets everything at a reinstallation', async () => {
    const net = new CanisterNet()
    const counter = net.installed(new Uint8Array(gzipSync(motoko(COUNTER))))
    net.ingress(counter, 'add', nat(5))
    expect(net.install(counter, motoko(UPGRADED), { mode: 'reinstall' })?.reply).toBeDefined()
    expect(replied(net.ingress(counter, 'inc'))).toBe(10n)
    expect(
      net.install(counter, new Uint8Array(gzipSync(new Uint8Array(40_000_000))), { mode: 'reinstall' })?.reject?.error,
    ).toBe('IC0505')
    expect(net.replay(counter)).toBe(net.root(counter))
  })

  it('takes code in chunks', () => {
    const net = new CanisterNet()
    const process = net.create(user(1))
    const wasm = motoko(COUNTER)
    const hashes: Uint8Array[] = []
    for (let at = 0; at < wasm.length; at += 100_000) {
      const answer = net.manage(process, 'upload_chunk', { chunk: [BLOB, wasm.slice(at, at + 100_000)] })
      hashes.push(firstRecord(decodeCandid(answer?.reply ?? new Uint8Array(0))).get(candidLabel('hash')) as Uint8Array)
    }
    const hash: CandidType = { record: candidFields({ hash: BLOB }) }
    const list: CandidValue = hashes.map(one => candidRecord({ hash: one }))
    const fields = {
      mode: [{ variant: candidFields({ install: 'null' }) }, { variant: [candidLabel('install'), null] }] as const,
      chunk_hashes_list: [{ vec: hash }, list] as const,
      wasm_module_hash: [BLOB, sha256(wasm)] as const,
      arg: [BLOB, encodeCandid([])] as const,
    }
    const wrong = { ...fields, wasm_module_hash: [BLOB, new Uint8Array(32)] as const }
    expect(net.manage(process, 'install_chunked_code', wrong)?.reject?.error).toBe('IC0408')
    expect(net.manage(process, 'install_chunked_code', fields)?.reply).toBeDefined()
    expect(replied(net.ingress(process, 'inc'))).toBe(1n)
    expect(
      (decodeCandid(net.manage(process, 'stored_chunks')?.reply ?? new Uint8Array(0))[0] as unknown[]).length,
    ).toBe(hashes.length)
    net.manage(process, 'clear_chunk_store')
    expect(decodeCandid(net.manage(process, 'stored_chunks')?.reply ?? new Uint8Array(0))[0]).toEqual([])
    expect(net.replay(process)).toBe(net.root(process))
  })
})

it('code pays for what it becomes when it is unpacked, though no canister can be made of it', () => {
  const net = new CanisterNet()
  const canister = net.create(user(1))
  const packed = new Uint8Array(gzipSync(new Uint8Array(16 * 1024 * 1024)))
  expect(packed.length).toBeLessThan(100_000)
  expect(net.install(canister, packed)?.reject?.error).toBe('IC0505')
  expect(net.results.at(-1)?.result.gas).toBeGreaterThan(20n * 16n * 1024n * 1024n)
})

describe('the management canister', { timeout: 180_000 }, () => {
  const settings = (
    fields: Readonly<Record<string, readonly [CandidType, CandidValue]>>,
  ): readonly [CandidType, CandidValue] => {
    const types: CandidFields = candidFields(
      Object.fromEntries(Object.entries(fields).map(([name, [type]]) => [name, type])),
    )
    return [
      { record: types },
      candidRecord(Object.fromEntries(Object.entries(fields).map(([name, [, value]]) => [name, value]))),
    ]
  }

  it('tells the status in the form that clients decode', () => {
    const net = new CanisterNet()
    const counter = net.installed(motoko(COUNTER))
    const principals: CandidType = { vec: 'principal' }
    const controllers = [{ principal: user(1) }, { principal: user(2) }]
    net.manage(counter, 'update_settings', {
      settings: settings({ controllers: [principals, controllers], freezing_threshold: ['nat', 9n] }),
    })
    const reply = net.manage(counter, 'canister_status', {}, user(2))?.reply ?? new Uint8Array(0)
    const Status = IDL.Record({
      status: IDL.Variant({ running: IDL.Null, stopping: IDL.Null, stopped: IDL.Null }),
      settings: IDL.Record({
        controllers: IDL.Vec(IDL.Principal),
        freezing_threshold: IDL.Nat,
        memory_allocation: IDL.Nat,
      }),
      module_hash: IDL.Opt(IDL.Vec(IDL.Nat8)),
      cycles: IDL.Nat,
      memory_size: IDL.Nat,
    })
    const [status] = IDL.decode([Status], reply.slice()) as unknown as [
      {
        module_hash: [Uint8Array]
        settings: { freezing_threshold: bigint; controllers: unknown[] }
        status: unknown
        cycles: bigint
      },
    ]
    expect(toHex(Uint8Array.from(status.module_hash[0]))).toBe(toHex(sha256(motoko(COUNTER))))
    expect(status).toMatchObject({ status: { running: null }, cycles: 1_000_000_000_000_000n })
    expect(status.settings.freezing_threshold).toBe(9n)
    expect(status.settings.controllers.length).toBe(2)
    expect(net.manage(counter, 'canister_status', {}, user(3))?.reject?.error).toBe('IC0512')
  })

  it('stops, starts, uninstalls and deletes', async () => {
    const net = new CanisterNet()
    const counter = net.installed(motoko(COUNTER))
    expect(net.manage(counter, 'delete_canister')?.reject?.error).toBe('IC0510')
    net.manage(counter, 'stop_canister')
    expect(net.ingress(counter, 'inc')?.reject?.error).toBe('IC0508')
    expect((await net.query(counter, 'get')).reject?.error).toBe('IC0508')
    net.manage(counter, 'start_canister')
    expect(replied(net.ingress(counter, 'inc'))).toBe(1n)
    net.manage(counter, 'uninstall_code')
    expect(net.ingress(counter, 'inc')?.reject?.error).toBe('IC0537')
    net.manage(counter, 'stop_canister')
    expect(net.manage(counter, 'delete_canister')?.reply).toBeDefined()
    expect(net.manage(counter, 'canister_status')?.reject?.error).toBe('IC0301')
    expect(net.replay(counter)).toBe(net.root(counter))
  })

  it('goes back to a snapshot', async () => {
    const net = new CanisterNet()
    const counter = net.installed(motoko(COUNTER))
    net.ingress(counter, 'add', nat(5))
    const taken = firstRecord(decodeCandid(net.manage(counter, 'take_canister_snapshot')?.reply ?? new Uint8Array(0)))
    const id = taken.get(candidLabel('id')) as Uint8Array
    net.ingress(counter, 'add', nat(5))
    net.install(counter, motoko(UPGRADED), { mode: 'upgrade', keep: true })
    expect(net.manage(counter, 'load_canister_snapshot', { snapshot_id: [BLOB, id] })?.reply).toBeDefined()
    expect(replied(net.ingress(counter, 'inc'))).toBe(6n)
    expect(
      (decodeCandid(net.manage(counter, 'list_canister_snapshots')?.reply ?? new Uint8Array(0))[0] as unknown[]).length,
    ).toBe(1)
    net.manage(counter, 'delete_canister_snapshot', { snapshot_id: [BLOB, id] })
    expect(net.manage(counter, 'load_canister_snapshot', { snapshot_id: [BLOB, id] })?.reject?.error).toBe('IC0305')
    expect(net.replay(counter)).toBe(net.root(counter))
  })

  it('keeps a log of what the canister prints and of its traps', async () => {
    const net = new CanisterNet()
    const printing = COUNTER.replace(
      'persistent actor {',
      'import { debugPrint } "mo:⛔";\npersistent actor {',
    ).replace('n += 1; n', 'debugPrint("hello"); n += 1; n')
    const counter = net.installed(motoko(printing))
    net.ingress(counter, 'inc')
    net.ingress(counter, 'boom')
    net.ingress(counter, 'inc')
    const logs = await net.query(counter, 'fetch_canister_logs', net.argument(counter), user(1), {
      'Canister-Query': 'management',
    })
    const records = firstRecord(decodeCandid(logs.reply ?? new Uint8Array(0))).get(
      candidLabel('canister_log_records'),
    ) as CandidValue[]
    const lines = records.map(one =>
      new TextDecoder().decode((one as { record: Map<number, Uint8Array> }).record.get(candidLabel('content'))),
    )
    expect(lines.map(line => line.replace(/:.*/, ''))).toEqual(['hello', '[TRAP]', 'hello'])
    expect(records.map(one => (one as { record: Map<number, bigint> }).record.get(candidLabel('idx')))).toEqual([
      0n,
      1n,
      2n,
    ])
    // A slot that fails changes nothing but the log, and that again in every replay.
    expect(net.replay(counter)).toBe(net.root(counter))
    expect(
      (
        await net.query(counter, 'fetch_canister_logs', net.argument(counter), user(2), {
          'Canister-Query': 'management',
        })
      ).reject?.error,
    ).toBe('IC0512')
  })

  it('keeps no more than some hundreds of lines that are empty', async () => {
    const net = new CanisterNet()
    const canister = net.installed(
      wat(`(module
      (import "ic0" "debug_print" (func $print (param i32 i32)))
      (import "ic0" "msg_reply" (func $reply))
      (memory 1)
      (func (export "canister_update print") (local $left i32)
        (local.set $left (i32.const 200))
        (loop $more
          (call $print (i32.const 0) (i32.const 0))
          (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
        (call $reply)))`),
    )
    net.ingress(canister, 'print')
    net.ingress(canister, 'print')
    const logs = await net.query(canister, 'fetch_canister_logs', net.argument(canister), user(1), {
      'Canister-Query': 'management',
    })
    const records = firstRecord(decodeCandid(logs.reply ?? new Uint8Array(0))).get(
      candidLabel('canister_log_records'),
    ) as CandidValue[]
    expect(records).toHaveLength(256)
  })

  it('wakes from a checkpoint as it was, whatever its code has become', () => {
    const net = new CanisterNet()
    const counter = net.installed(motoko(COUNTER))
    net.ingress(counter, 'add', nat(5))
    const { description, process } = net.member(counter)
    const snapshot = snapshotOf(process)
    const again = HostedProcess.open(description, net.module, snapshot)
    expect(toHex(again.stateRoot())).toBe(net.root(counter))
  })

  it('answers what it does not offer with a reject', () => {
    const net = new CanisterNet()
    const counter = net.installed(motoko(COUNTER))
    expect(net.manage(counter, 'no_such_method')?.reject?.error).toBe('IC0536')
    expect(
      net.ingress(counter, 'install_code', Uint8Array.of(1, 2, 3), user(1), new Uint8Array(0))?.reject?.error,
    ).toBe('IC0408')
  })
})

it('nobody is given another id than the one they wished for', () => {
  const net = new CanisterNet()
  const arg = (specified: readonly Uint8Array[]) =>
    IDL.encode(
      [IDL.Record({ amount: IDL.Opt(IDL.Nat), specified_id: IDL.Opt(IDL.Principal) })],
      [{ amount: [], specified_id: specified.map(one => Principal.fromUint8Array(one)) }],
    )
  const made = (specified: readonly Uint8Array[]) => {
    const before = net.results.length
    net.created(user(1), 'provisional_create_canister_with_cycles', arg(specified))
    return net.answersSince(before)[0]
  }
  expect(made([])?.reply).toBeDefined()
  expect(made([Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 9, 1, 1)])?.reject).toMatchObject({ error: 'IC0408' })
})
