import { IDL } from '@icp-sdk/core/candid'
import { describe, expect, it } from 'vitest'
import {
  type CandidType,
  candidFields,
  type CandidValue,
  candidRecord,
  candidVariant,
  encodeCandid,
  principalOf,
  toUtf8,
} from '../../../protocol/index.ts'
import { wat } from '../rewriter/wat.ts'
import { FORWARDER, forwarded } from './forwarder.ts'
import { BLOB, CanisterNet, installMode, managementArgument, user } from './canister-net.ts'

/** A canister that answers with 16 bytes at 0, which a method fills. */
function replying(imports: string, methods: string): Uint8Array {
  return wat(`(module
    (import "ic0" "msg_reply" (func $reply))
    (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
    ${imports}
    (memory 1)
    (func $tell (param $length i32) (call $append (i32.const 0) (local.get $length)) (call $reply))
    ${methods})`)
}

const VERSIONS = (imports = '', methods = '') =>
  replying(
    `(import "ic0" "canister_version" (func $version (result i64)))
     (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
     (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
     (import "ic0" "stable64_read" (func $read (param i64 i64 i64)))
     ${imports}`,
    `(func $note (param $at i64)
       (i64.store (i32.const 0) (call $version))
       (call $write (local.get $at) (i64.const 0) (i64.const 8)))
     (func (export "canister_init") (drop (call $grow (i64.const 1))) (call $note (i64.const 0)))
     (func (export "canister_pre_upgrade") (call $note (i64.const 8)))
     (func (export "canister_post_upgrade") (call $note (i64.const 16)))
     (func (export "canister_query now") (i64.store (i32.const 0) (call $version)) (call $tell (i32.const 8)))
     (func (export "canister_query noted") (call $read (i64.const 0) (i64.const 0) (i64.const 24)) (call $tell (i32.const 24)))
     ${methods}`,
  )

/** Candid, wherever in a buffer it stands. */
const decoded = (types: IDL.Type[], bytes: Uint8Array): unknown[] => IDL.decode(types, bytes.slice())

const numbers = (bytes: Uint8Array | undefined): bigint[] => {
  const view = new DataView((bytes ?? new Uint8Array(0)).slice().buffer)
  return Array.from({ length: view.byteLength / 8 }, (_, at) => view.getBigUint64(at * 8, true))
}

describe('the version of a canister', () => {
  it('is one more after each change, and code sees that of before or of after it', async () => {
    const net = new CanisterNet()
    const canister = net.installed(VERSIONS())
    const now = async () => numbers((await net.query(canister, 'now')).reply)[0]
    expect(await now()).toBe(1n)
    expect(numbers(net.ingress(canister, 'now')?.reply)).toEqual([1n])
    expect(numbers(net.ingress(canister, 'now')?.reply)).toEqual([2n])
    expect(await now()).toBe(3n)
    expect(
      net.install(canister, VERSIONS('', '(func (export "canister_query x"))'), { mode: 'upgrade' })?.reply,
    ).toBeDefined()
    expect(await now()).toBe(4n)
    expect(numbers((await net.query(canister, 'noted')).reply)).toEqual([1n, 3n, 4n])
    expect(net.install(canister, new Uint8Array(0), { mode: 'upgrade' })?.reject?.error).toBe('IC0505')
    expect(await now()).toBe(4n)
    expect(net.replay(canister)).toBe(net.root(canister))
  })
})

const STATUS = IDL.Record({
  cycles: IDL.Nat,
  version: IDL.Nat64,
  settings: IDL.Record({
    log_memory_limit: IDL.Nat,
    minimum_incoming_canister_call_cycles: IDL.Nat,
    status_visibility: IDL.Variant({ controllers: IDL.Null, public: IDL.Null }),
  }),
  memory_metrics: IDL.Record({ log_memory_store_size: IDL.Nat }),
})

/** The settings of these tests. */
function settings(fields: Readonly<Record<string, readonly [CandidType, CandidValue]>>): {
  readonly settings: readonly [CandidType, CandidValue]
} {
  const types = Object.fromEntries(Object.entries(fields).map(([name, [type]]) => [name, { opt: type }]))
  const values = Object.fromEntries(Object.entries(fields).map(([name, [, value]]) => [name, { opt: value }]))
  return { settings: [{ record: candidFields(types) }, candidRecord(values)] }
}

const VISIBILITY: CandidType = { variant: candidFields({ controllers: 'null', public: 'null' }) }

describe('settings', () => {
  it('have bounds, and who asks for more is told so', () => {
    const net = new CanisterNet()
    const canister = net.create(user(1))
    const wrong: readonly [string, bigint][] = [
      ['compute_allocation', 101n],
      ['memory_allocation', 2n ** 48n + 1n],
      ['freezing_threshold', 2n ** 64n],
      ['reserved_cycles_limit', 2n ** 128n],
      ['minimum_incoming_canister_call_cycles', 2n ** 128n],
      ['wasm_memory_limit', 2n ** 48n + 1n],
      ['wasm_memory_threshold', 2n ** 48n + 1n],
      ['log_memory_limit', 2n ** 21n + 1n],
      ['log_memory_limit', 4095n],
    ]
    for (const [name, value] of wrong) {
      const answer = net.manage(canister, 'update_settings', settings({ [name]: ['nat', value] }))
      expect([name, answer?.reject?.code, answer?.reject?.error]).toEqual([name, 5, 'IC0504'])
    }
  })

  it('are told as the interface has them today', () => {
    const net = new CanisterNet()
    const canister = net.create(user(1))
    const status = (by = user(1)) => {
      const answer = net.manage(canister, 'canister_status', {}, by)
      return answer?.reply && (decoded([STATUS], answer.reply)[0] as Record<string, unknown>)
    }
    expect(status(user(2))).toBeUndefined()
    expect(status()).toMatchObject({
      settings: {
        log_memory_limit: 4096n,
        minimum_incoming_canister_call_cycles: 0n,
        status_visibility: { controllers: null },
      },
      memory_metrics: { log_memory_store_size: 4096n },
    })
    const given = settings({
      log_memory_limit: ['nat', 8192n],
      minimum_incoming_canister_call_cycles: ['nat', 2n ** 100n],
      status_visibility: [VISIBILITY, candidVariant('public')],
    })
    expect(net.manage(canister, 'update_settings', given)?.reply).toBeDefined()
    expect(status(user(2))).toMatchObject({
      settings: {
        log_memory_limit: 8192n,
        minimum_incoming_canister_call_cycles: 2n ** 100n,
        status_visibility: { public: null },
      },
      memory_metrics: { log_memory_store_size: 8192n },
    })
    expect(net.replay(canister)).toBe(net.root(canister))
    const again = net.wakeElsewhere(canister)
    expect(Buffer.from(again.stateRoot()).toString('hex')).toBe(net.root(canister))
  })

  it('say how many cycles a call of another canister must bring', () => {
    const net = new CanisterNet()
    const [callee, caller] = [net.installed(VERSIONS()), net.installed(FORWARDER)]
    const ask = (how: string) => net.ingress(caller, how, forwarded(principalOf(callee), 'now'))?.reply
    const want = (least: bigint) =>
      net.manage(callee, 'update_settings', settings({ minimum_incoming_canister_call_cycles: ['nat', least] }))
    expect(ask('call')).toHaveLength(8)
    want(1000n)
    expect([...(ask('call') ?? [])]).toEqual([5])
    expect(ask('pay')).toHaveLength(8)
    want(1001n)
    expect([...(ask('pay') ?? [])]).toEqual([5])
    expect(net.ingress(callee, 'now')?.reply).toHaveLength(8)
  })

  it('of a limit for the heap hold where the canister changes, not where it is read', async () => {
    const net = new CanisterNet()
    const grows = `(drop (memory.grow (i32.const 3))) (call $tell (i32.const 0))`
    const canister = net.installed(
      replying('', `(func (export "canister_update u") ${grows}) (func (export "canister_query q") ${grows})`),
    )
    net.manage(canister, 'update_settings', settings({ wasm_memory_limit: ['nat', 100_000n] }))
    expect(net.ingress(canister, 'u')?.reject?.error).toBe('IC0539')
    expect(net.ingress(canister, 'q')?.reply).toBeDefined()
    expect((await net.query(canister, 'q')).reply).toBeDefined()
  })
})

describe('cycles', () => {
  it('that a query takes in a feed are the canister’s', () => {
    const net = new CanisterNet()
    const taker = net.installed(
      replying(
        '(import "ic0" "msg_cycles_accept" (func $accept (param i64) (result i64)))',
        `(func (export "canister_query take") (i64.store (i32.const 0) (call $accept (i64.const -1))) (call $tell (i32.const 8)))`,
      ),
    )
    const caller = net.installed(FORWARDER)
    const cycles = (canister: typeof taker) => {
      const answer = net.manage(canister, 'canister_status')
      return (decoded([STATUS], answer?.reply ?? new Uint8Array(0))[0] as { cycles: bigint }).cycles
    }
    const before = [cycles(taker), cycles(caller)] as const
    expect(numbers(net.ingress(caller, 'pay', forwarded(principalOf(taker), 'take'))?.reply)).toEqual([1000n])
    expect([cycles(taker) - before[0], cycles(caller) - before[1]]).toEqual([1000n, -1000n])
  })

  it('come in any number, and are as many as fit', () => {
    const net = new CanisterNet()
    const canister = net.create(user(1))
    const amount: readonly [CandidType, CandidValue] = ['nat', 10n * 2n ** 128n]
    expect(net.manage(canister, 'provisional_top_up_canister', { amount })?.reply).toBeDefined()
    const made = net.created(
      user(1),
      'provisional_create_canister_with_cycles',
      encodeCandid([[{ record: candidFields({ amount: 'nat' }) }, candidRecord({ amount: 10n * 2n ** 128n })]]),
    )
    for (const one of [canister, made]) {
      const status = net.manage(one, 'canister_status')?.reply ?? new Uint8Array(0)
      expect((decoded([STATUS], status)[0] as { cycles: bigint }).cycles).toBe(2n ** 128n - 1n)
    }
  })

  it('that a call brings back after the code is gone are not lost, and the code after it hears nothing', () => {
    const net = new CanisterNet()
    const [caller, callee] = [net.installed(FORWARDER), net.installed(VERSIONS())]
    const status = () =>
      decoded([STATUS], net.manage(caller, 'canister_status')?.reply ?? new Uint8Array(0))[0] as { cycles: bigint }
    // It learns of the other, so that the next call is under way.
    net.ingress(caller, 'call', forwarded(principalOf(callee), 'now'))
    const before = status().cycles
    const start = net.results.length
    net.hold(() => {
      net.ingress(caller, 'pay', forwarded(principalOf(callee), 'now'))
      net.manage(caller, 'uninstall_code')
      net.install(caller, FORWARDER)
      expect(status().cycles).toBe(before - 1000n)
      expect(net.manage(caller, 'stop_canister')).toBeUndefined()
    })
    expect(net.answersSince(start).map(({ reject }) => reject?.code)).toContain(4)
    net.deliver()
    expect(status().cycles).toBe(before)
    expect(net.manage(caller, 'stop_canister')?.reply).toBeDefined()
    expect(net.replay(caller)).toBe(net.root(caller))
  })
})

describe('what code says', () => {
  const SAYING = replying(
    `(import "ic0" "debug_print" (func $print (param i32 i32)))
     (import "ic0" "trap" (func $trap (param i32 i32)))`,
    `(func (export "canister_update say") (call $print (i32.const 0) (i32.const 3)) (call $tell (i32.const 0)))
     (func (export "canister_update nowhere") (call $print (i32.const 65530) (i32.const -1)) (call $tell (i32.const 0)))
     (func (export "canister_update fall") (call $trap (i32.const -8) (i32.const 100)))
     (data (i32.const 0) "abc")`,
  )
  const LOGS = IDL.Record({ canister_log_records: IDL.Vec(IDL.Record({ idx: IDL.Nat64, content: IDL.Vec(IDL.Nat8) })) })

  it('may be said of what is not there', () => {
    const net = new CanisterNet()
    const canister = net.installed(SAYING)
    expect(net.ingress(canister, 'nowhere')?.reply).toBeDefined()
    expect(net.ingress(canister, 'fall')?.reject?.error).toBe('IC0503')
  })

  it('is read in parts, and gone with the code; no user has it read by an update', async () => {
    const net = new CanisterNet()
    const canister = net.installed(SAYING)
    for (let count = 0; count < 5; count++) net.ingress(canister, 'say')
    const read = async (fields: Parameters<typeof managementArgument>[1] = {}): Promise<number[]> => {
      const answer = await net.query(canister, 'fetch_canister_logs', managementArgument(canister, fields), user(1), {
        'Canister-Query': 'management',
      })
      const logs = decoded([LOGS], answer.reply ?? new Uint8Array(0))[0] as {
        canister_log_records: { idx: bigint }[]
      }
      return logs.canister_log_records.map(({ idx }) => Number(idx))
    }
    const range: CandidType = { record: candidFields({ start: 'nat64', end: 'nat64' }) }
    const filter: readonly [CandidType, CandidValue] = [
      { opt: { variant: candidFields({ by_idx: range, by_timestamp_nanos: range }) } },
      { opt: candidVariant('by_idx', candidRecord({ start: 1n, end: 3n })) },
    ]
    expect(await read()).toEqual([0, 1, 2, 3, 4])
    expect(await read({ filter })).toEqual([1, 2])
    expect(net.install(canister, SAYING, { mode: 'upgrade' })?.reply).toBeDefined()
    expect(await read()).toHaveLength(5)
    net.install(canister, SAYING, { mode: 'reinstall' })
    expect(await read()).toEqual([])
    net.ingress(canister, 'say')
    expect(await read()).toEqual([5])
    net.manage(canister, 'uninstall_code')
    expect(await read()).toEqual([])
    const inspected = await net.query(canister, 'fetch_canister_logs', net.argument(canister), user(1), {
      'Canister-Query': 'inspect',
      Canister: 'aaaaa-aa',
    })
    expect(inspected.reject?.code).toBe(4)
  })
})

describe('modules', () => {
  const section = (name: string, content: string): number[] => {
    const inner = [name.length, ...toUtf8(name), ...toUtf8(content)]
    return [0, (inner.length & 0x7f) | 0x80, inner.length >> 7, ...inner]
  }
  const withSections = (...sections: readonly (readonly [name: string, content: string])[]): Uint8Array =>
    Uint8Array.from([...wat('(module)'), ...sections.flatMap(([name, content]) => section(name, content))])

  it('have metadata of any name, and no other sections that look like some', async () => {
    const net = new CanisterNet()
    const good = net.create(user(1))
    expect(
      net.install(good, withSections(['icp:public ', 'a'], ['icp:private with spaces', 'b'], ['other', 'c']))?.reply,
    ).toBeDefined()
    const read = (name: string, by: Uint8Array) =>
      net.query(good, name, undefined, by, { 'Canister-Query': 'metadata' })
    expect((await read('', user(2))).reply).toEqual(toUtf8('a'))
    expect((await read('with spaces', user(2))).reject).toBeDefined()
    expect((await read('with spaces', user(1))).reply).toEqual(toUtf8('b'))
    const many = (count: number) => Array.from({ length: count }, (_, at) => [`icp:public ${at}`, ''] as const)
    const bad = [
      [['icp:dummy x', '']],
      [['icp:public', '']],
      [
        ['icp:public x', ''],
        ['icp:private x', ''],
      ],
      many(17),
    ]
    for (const sections of bad) {
      const answer = net.install(net.create(user(1)), withSections(...(sections as [string, string][])))
      expect([sections[0]?.[0], answer?.reject?.error]).toEqual([sections[0]?.[0], 'IC0505'])
    }
    expect(net.install(net.create(user(1)), withSections(...many(16)))?.reply).toBeDefined()
  })

  it('may be told at length how they were made, and have a thousand methods at most', () => {
    const net = new CanisterNet()
    const names = Uint8Array.from([0, 0x80, 0x80, 0x80, 0x01, 4, ...toUtf8('name'), ...new Uint8Array(0x200000 - 5)])
    const large = Uint8Array.from([...wat('(module)'), ...names])
    expect(net.install(net.create(user(1)), large)?.reply).toBeDefined()
    const methods = (count: number, length: number) =>
      wat(
        `(module (func $f) ${Array.from({ length: count }, (_, at) => `(export "canister_query ${String(at).padStart(length, 'x')}" (func $f))`).join('\n')})`,
      )
    expect(net.install(net.create(user(1)), methods(1000, 20))?.reply).toBeDefined()
    expect(net.install(net.create(user(1)), methods(1001, 4))?.reject?.error).toBe('IC0505')
    expect(net.install(net.create(user(1)), methods(1000, 21))?.reject?.error).toBe('IC0505')
  })
})

describe('what would cost something', () => {
  it('is told of calls, and of keys that there are not', async () => {
    const net = new CanisterNet()
    const canister = net.installed(
      replying(
        `(import "ic0" "subnet_self_node_count" (func $nodes (result i32)))
         (import "ic0" "cost_http_request_v2" (func $http (param i32 i32 i32)))
         (import "ic0" "cost_sign_with_ecdsa" (func $ecdsa (param i32 i32 i32 i32) (result i32)))
         (import "ic0" "msg_arg_data_size" (func $size (result i32)))
         (import "ic0" "msg_arg_data_copy" (func $copy (param i32 i32 i32)))`,
        `(func (export "canister_query nodes") (i64.store (i32.const 0) (i64.extend_i32_u (call $nodes))) (call $tell (i32.const 8)))
         (func (export "canister_query keys")
           (i32.store8 (i32.const 0) (call $ecdsa (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 64)))
           (i32.store8 (i32.const 1) (call $ecdsa (i32.const 0) (i32.const 4) (i32.const 9) (i32.const 64)))
           (call $tell (i32.const 2)))
         (func (export "canister_query http")
           (call $copy (i32.const 100) (i32.const 0) (call $size))
           (i64.store (i32.const 0) (i64.const -1))
           (call $http (i32.const 100) (call $size) (i32.const 0))
           (call $tell (i32.const 16)))`,
      ),
    )
    expect(numbers((await net.query(canister, 'nodes')).reply)).toEqual([1n])
    expect([...((await net.query(canister, 'keys')).reply ?? [])]).toEqual([2, 1])
    const fields = [
      'request_bytes',
      'http_roundtrip_time_ms',
      'raw_response_bytes',
      'transformed_response_bytes',
      'transform_instructions',
    ]
    const wish = (names: readonly string[]) =>
      encodeCandid([
        [
          { record: candidFields(Object.fromEntries(names.map(name => [name, 'nat64']))) },
          candidRecord(Object.fromEntries(names.map(name => [name, 1n]))),
        ],
      ])
    expect(numbers((await net.query(canister, 'http', wish(fields))).reply)).toEqual([0n, 0n])
    expect((await net.query(canister, 'http', wish(fields.slice(1)))).reject?.error).toBe('IC0504')
    expect((await net.query(canister, 'http', Uint8Array.of(1, 2, 3))).reject?.error).toBe('IC0504')
    // Beside the parameters, more nulls than anybody needs: each would be read for nothing.
    const many = (count: number) =>
      encodeCandid([
        [
          { record: candidFields({ ...Object.fromEntries(fields.map(name => [name, 'nat64'])), z: { vec: 'null' } }) },
          candidRecord({ ...Object.fromEntries(fields.map(name => [name, 1n])), z: new Array(count).fill(null) }),
        ],
      ])
    expect((await net.query(canister, 'http', many(20))).reply).toBeDefined()
    expect((await net.query(canister, 'http', many(100))).reject?.error).toBe('IC0504')
  })
})

describe('what a canister asks the management canister for', () => {
  it('may name the version that asks, and is refused if that is another', () => {
    const net = new CanisterNet()
    const parent = net.installed(FORWARDER)
    const child = net.create(user(1))
    const controllers: readonly [CandidType, CandidValue] = [
      { vec: 'principal' },
      [{ principal: user(1) }, { principal: principalOf(parent) }],
    ]
    net.manage(child, 'update_settings', settings({ controllers }))
    const install = (version: bigint) =>
      net.ingress(
        parent,
        'call',
        forwarded(
          new Uint8Array(0),
          'install_code',
          managementArgument(child, {
            mode: installMode('reinstall'),
            wasm_module: [BLOB, wat('(module)')],
            arg: [BLOB, new Uint8Array(0)],
            sender_canister_version: [{ opt: 'nat64' }, { opt: version }],
          }),
        ),
      )?.reply
    expect([...(install(666n) ?? [])]).toEqual([5])
    // Of the two executions of the call before, the version is two more than after the installation.
    expect(install(3n)).toHaveLength(6)
    const info = net.ingress(
      parent,
      'call',
      forwarded(
        new Uint8Array(0),
        'canister_info',
        managementArgument(child, { num_requested_changes: [{ opt: 'nat64' }, { opt: 1n }] }),
      ),
    )?.reply
    const Origin = IDL.Variant({
      from_user: IDL.Record({ user_id: IDL.Principal }),
      from_canister: IDL.Record({ canister_id: IDL.Principal, canister_version: IDL.Opt(IDL.Nat64) }),
    })
    const Info = IDL.Record({ recent_changes: IDL.Vec(IDL.Record({ origin: Origin, canister_version: IDL.Nat64 })) })
    expect(decoded([Info], info ?? new Uint8Array(0))[0]).toMatchObject({
      recent_changes: [{ canister_version: 2n, origin: { from_canister: { canister_version: [3n] } } }],
    })
  })
})

it('a composite query has its certificate where it begins, and counts what it used in all', async () => {
  const net = new CanisterNet()
  const canister = net.installed(
    replying(
      `(import "ic0" "data_certificate_present" (func $present (result i32)))
       (import "ic0" "performance_counter" (func $counter (param i32) (result i64)))
       (import "ic0" "canister_self_copy" (func $self (param i32 i32 i32)))
       (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
       (import "ic0" "call_perform" (func $perform (result i32)))`,
      `(table funcref (elem $back))
       (data (i32.const 100) "q")
       (func (export "canister_query q") (call $tell (i32.const 0)))
       (func (export "canister_composite_query c")
         (i64.store (i32.const 0) (i64.extend_i32_u (call $present)))
         (call $self (i32.const 200) (i32.const 0) (i32.const 29))
         (call $new (i32.const 200) (i32.const 29) (i32.const 100) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
         (drop (call $perform)))
       (func $back (param i32)
         (i64.store (i32.const 8) (i64.extend_i32_u (call $present)))
         (i64.store (i32.const 16) (i64.extend_i32_u (i64.gt_u (i64.sub (call $counter (i32.const 1)) (call $counter (i32.const 0))) (i64.const 5000))))
         (call $tell (i32.const 24)))`,
    ),
  )
  const answer = await net.query(canister, 'c', undefined, user(1), {}, Uint8Array.of(1))
  expect(numbers(answer.reply)).toEqual([1n, 0n, 1n])
})
