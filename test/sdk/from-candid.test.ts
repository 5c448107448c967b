import { IDL } from '@icp-sdk/core/candid'
import { Principal } from '@icp-sdk/core/principal'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { type AnyContract, checkValue, MalformedContract } from '../../contract/index.ts'
import { fromCandid, type ProcessRef } from '../../sdk/index.ts'

const DID = `
// What people write, and what compilers do.
type List = opt record { head : int; tail : List };
type Order = record { id : nat64; "price in cents" : nat32; side : variant { buy; sell : text } };
type Callback = func (text) -> () oneway;
type Octet = nat8;
service market : (record { owner : principal }) -> {
  place : (Order) -> (variant { ok : nat64; err : text });
  small : (nat8, int16, float32, blob) -> (nat8, int64);
  list : (List) -> (List) query;
  pairs : (vec record { text; nat }) -> (vec record { text; nat }) query;
  maybe : (opt opt nat) -> (opt opt nat) query;
  state : () -> (nat) query;
  watch : () -> (Callback) composite_query;
  raw : (vec Octet, opt Callback) -> ();
  "a\\41" : () -> ();
  note : /* says nothing */ (why : text) -> () oneway;
}`

const PRINCIPAL = 'ryjl3-tyaaa-aaaaa-aaaba-cai'
const market: AnyContract = fromCandid(DID)

const sent = (name: string, input: unknown): unknown => {
  const schema = (market.messages[name] ?? market.queries[name])?.input
  return schema && checkValue(schema, input)
}
const heard = (name: string, bytes: Uint8Array): unknown => {
  const schema = (market.messages[name] ?? market.queries[name])?.reply
  return schema && checkValue(schema, bytes)
}
const bytesOf = (checked: unknown): Uint8Array => {
  const { value } = checked as { value: unknown }
  if (value instanceof Uint8Array) return value
  throw new Error(JSON.stringify(checked))
}

const List = IDL.Rec()
List.fill(IDL.Opt(IDL.Record({ head: IDL.Int, tail: List })))
const Order = IDL.Record({
  id: IDL.Nat64,
  'price in cents': IDL.Nat32,
  side: IDL.Variant({ buy: IDL.Null, sell: IDL.Text }),
})
const Pairs = IDL.Vec(IDL.Tuple(IDL.Text, IDL.Nat))

describe('a contract from a .did', () => {
  it('has updates as messages and queries as queries', () => {
    expect(Object.keys(market.messages)).toEqual(['place', 'small', 'raw', 'aA', 'note'])
    expect(Object.keys(market.queries)).toEqual(['list', 'pairs', 'maybe', 'state_', 'watch'])
    expect(market.wire?.actions['state_']).toBe('state')
    const taken = fromCandid('service : { toString : () -> (text); constructor : () -> () query }')
    expect([Object.keys(taken.messages), Object.keys(taken.queries)]).toEqual([['toString_'], ['constructor_']])
  })

  it('sends what the stock client reads', () => {
    const raw = [IDL.Vec(IDL.Nat8), IDL.Opt(IDL.Func([IDL.Text], [], ['oneway']))]
    expect(IDL.decode(raw, bytesOf(sent('raw', [Uint8Array.of(1, 2), null])))).toEqual([Uint8Array.of(1, 2), []])
    const order = { id: 7n, 'price in cents': 250, side: { sell: 'now' } }
    expect(IDL.decode([Order], bytesOf(sent('place', { ...order, id: '7' })))).toEqual([order])
    const small = IDL.decode(
      [IDL.Nat8, IDL.Int16, IDL.Float32, IDL.Vec(IDL.Nat8)],
      bytesOf(sent('small', [255, -3n, 0.5, Uint8Array.of(1, 2)])),
    )
    expect(small).toEqual([255, -3, 0.5, Uint8Array.of(1, 2)])
    const list = IDL.decode([List], bytesOf(sent('list', { head: 1, tail: { head: -2, tail: null } })))
    expect(list).toEqual([[{ head: 1n, tail: [{ head: -2n, tail: [] }] }]])
    expect(
      IDL.decode(
        [Pairs],
        bytesOf(
          sent('pairs', [
            ['a', 1],
            ['b', 2n],
          ]),
        ),
      ),
    ).toEqual([
      [
        ['a', 1n],
        ['b', 2n],
      ],
    ])
    expect(IDL.decode([IDL.Opt(IDL.Opt(IDL.Nat))], bytesOf(sent('maybe', [null])))).toEqual([[[]]])
    const owner = IDL.decode(
      [IDL.Record({ owner: IDL.Principal })],
      bytesOf(checkValue(market.args, { owner: PRINCIPAL })),
    )
    expect(String((owner[0] as { owner: unknown }).owner)).toBe(PRINCIPAL)
  })

  it('reads what the stock client sends', () => {
    const place = IDL.encode([IDL.Variant({ err: IDL.Text, ok: IDL.Nat64 })], [{ ok: 2n ** 64n - 1n }])
    expect(heard('place', place)).toEqual({ ok: true, value: { ok: 2n ** 64n - 1n } })
    expect(heard('small', IDL.encode([IDL.Nat8, IDL.Int64], [200, -5n]))).toEqual({ ok: true, value: [200, -5n] })
    expect(heard('list', IDL.encode([List], [[{ head: 4n, tail: [] }]]))).toEqual({
      ok: true,
      value: { head: 4n, tail: null },
    })
    expect(heard('maybe', IDL.encode([IDL.Opt(IDL.Opt(IDL.Nat))], [[[]]]))).toEqual({ ok: true, value: [null] })
    expect(heard('maybe', IDL.encode([IDL.Opt(IDL.Opt(IDL.Nat))], [[]]))).toEqual({ ok: true, value: [] })
    const watch = IDL.encode([IDL.Func([IDL.Text], [], ['oneway'])], [[Principal.fromText(PRINCIPAL), 'tell']])
    expect(heard('watch', watch)).toEqual({ ok: true, value: { principal: PRINCIPAL, method: 'tell' } })
    // As subtyping has it: a natural number is an integer, and what an older interface lacks is null.
    expect(heard('list', IDL.encode([IDL.Opt(IDL.Record({ head: IDL.Nat }))], [[{ head: 4n }]]))).toEqual({
      ok: true,
      value: { head: 4n, tail: null },
    })
    expect(heard('note', IDL.encode([], []))).toEqual({ ok: true, value: undefined })
  })

  it('says what does not fit, and where', () => {
    expect(sent('small', [256, 0, 0, new Uint8Array(0)])).toEqual({
      ok: false,
      problem: expect.stringContaining('0: expected nat8'),
    })
    expect(sent('small', [1, 2])).toMatchObject({ ok: false })
    expect(sent('place', { id: 1, 'price in cents': 1, side: { keep: null } })).toEqual({
      ok: false,
      problem: expect.stringContaining('side: expected an object with one of'),
    })
    expect(sent('place', { id: 1, 'price in cents': 1, side: { buy: null }, prize: 1 })).toEqual({
      ok: false,
      problem: expect.stringContaining('prize: expected no field'),
    })
    expect(sent('note', 5)).toMatchObject({ ok: false })
    expect(heard('small', IDL.encode([IDL.Nat], [300n]))).toMatchObject({ ok: false })
    expect(heard('place', Uint8Array.of(1, 2, 3))).toMatchObject({ ok: false })
  })

  it('refuses a text that is no interface', () => {
    const texts = [
      '',
      'service : { a : (Unknown) -> () }',
      'type A = B; type B = A; service : { a : (A) -> () }',
      'service : { a : () }',
      'service : { § }',
      `service : { a : (${'opt '.repeat(100)}nat) -> () }`,
    ]
    for (const text of texts) expect(() => fromCandid(text), text).toThrow(MalformedContract)
  })

  it('has the types that it is told', () => {
    type Told = { updates: { add: (by: bigint) => bigint; reset: () => undefined }; queries: { total: () => bigint } }
    type Ref = ProcessRef<ReturnType<typeof fromCandid<Told>>>
    expectTypeOf<Parameters<Ref['add']>[0]>().toEqualTypeOf<bigint>()
    expectTypeOf<Awaited<ReturnType<Ref['total']>>>().toEqualTypeOf<bigint>()
    expectTypeOf<Parameters<Ref['reset']>[0]>().toEqualTypeOf<undefined>()
  })
})
