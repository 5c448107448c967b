import { IDL } from '@icp-sdk/core/candid'
import { Principal } from '@icp-sdk/core/principal'
import { describe, expect, it } from 'vitest'
import { candidToJson, jsonToCandid, namesIn } from '../../../processes/canister/candid-json.ts'
import {
  candidFields,
  candidLabel,
  candidRecord,
  candidVariant,
  decodeCandid,
  encodeCandid,
  fromUtf8,
  MalformedBytes,
  toUtf8,
} from '../../../protocol/index.ts'
import { BLOB, CanisterNet, managementArgument, installMode, user } from './canister-net.ts'
import { MUTATIONS_SEED, mutated, mutationsOr } from '../../fakes/mutations.ts'
import { seededRandom } from '../../fakes/seeded-random.ts'
import { wat } from '../rewriter/wat.ts'

const nobody = (): void => undefined

const person = IDL.Record({
  name: IDL.Text,
  age: IDL.Nat8,
  tags: IDL.Vec(IDL.Text),
  id: IDL.Principal,
  more: IDL.Opt(IDL.Int),
})
const sample = {
  name: 'ann',
  age: 7,
  tags: ['a', 'b'],
  id: Principal.fromUint8Array(user(1)),
  more: [-300n] as [bigint],
}

describe('Candid', () => {
  it('reads what the standard library writes', () => {
    const bytes = IDL.encode([person, IDL.Float64, IDL.Vec(IDL.Nat8)], [sample, 1.5, Uint8Array.of(1, 2)])
    const [first, second, third] = decodeCandid(bytes)
    const fields = (first as { record: Map<number, unknown> }).record
    expect(fields.get(candidLabel('name'))).toBe('ann')
    expect(fields.get(candidLabel('age'))).toBe(7n)
    expect(fields.get(candidLabel('more'))).toEqual({ opt: -300n })
    expect(fields.get(candidLabel('id'))).toEqual({ principal: user(1) })
    expect([second, third]).toEqual([1.5, Uint8Array.of(1, 2)])
  })

  it('writes what the standard library reads', () => {
    const type = {
      record: candidFields({
        a: 'nat64',
        b: { opt: { vec: 'int32' } },
        c: { variant: candidFields({ yes: 'null', no: 'text' }) },
      }),
    } as const
    const value = candidRecord({ a: 2n ** 64n - 1n, b: { opt: [-1n, 5n] }, c: candidVariant('no', 'why') })
    const bytes = encodeCandid([
      [type, value],
      ['nat', 300n],
      ['int', -300n],
      ['float32', 0.5],
      [BLOB, Uint8Array.of(9)],
    ])
    const Expected = IDL.Record({
      a: IDL.Nat64,
      b: IDL.Opt(IDL.Vec(IDL.Int32)),
      c: IDL.Variant({ yes: IDL.Null, no: IDL.Text }),
    })
    const read = IDL.decode([Expected, IDL.Nat, IDL.Int, IDL.Float32, IDL.Vec(IDL.Nat8)], bytes)
    expect(read).toEqual([
      { a: 2n ** 64n - 1n, b: [Int32Array.of(-1, 5)], c: { no: 'why' } },
      300n,
      -300n,
      0.5,
      Uint8Array.of(9),
    ])
  })

  it('is JSON for those who speak no Candid, and back', () => {
    const bytes = IDL.encode([person], [sample])
    const told = JSON.parse(
      fromUtf8(candidToJson(bytes, namesIn('name : text; age; tags; id; more'), nobody)),
    ) as unknown
    expect(told).toMatchObject({ name: 'ann', age: 7, tags: ['a', 'b'], more: -300 })
    const back = IDL.decode(
      [IDL.Record({ by: IDL.Nat, at: IDL.Vec(IDL.Text), deep: IDL.Record({ x: IDL.Float64 }) })],
      jsonToCandid(toUtf8('{"by":3,"at":["x"],"deep":{"x":0.5}}'), nobody),
    )
    expect(back).toEqual([{ by: 3n, at: ['x'], deep: { x: 0.5 } }])
    expect(IDL.decode([IDL.Text], jsonToCandid(toUtf8('no JSON'), nobody))).toEqual(['no JSON'])
    expect(candidToJson(encodeCandid([]), namesIn(''), nobody)).toHaveLength(0)
  })

  it('is as long as its message may be', () => {
    const many = `[${'0,'.repeat(300_000)}0]`
    const [value] = IDL.decode([IDL.Vec(IDL.Nat)], jsonToCandid(toUtf8(many), nobody))
    expect(value).toHaveLength(300_001)
    expect(jsonToCandid(toUtf8(`[${'[],0,'.repeat(100_000)}0]`), nobody).length).toBeGreaterThan(200_000)
  })

  it('refuses bombs quickly', () => {
    const bomb = (type: readonly number[], ...value: number[]) =>
      Uint8Array.of(0x44, 0x49, 0x44, 0x4c, ...type, ...value)
    // A vector of 2^32 nulls, of empty records; a type that holds itself; a list of lists without end.
    expect(() => decodeCandid(bomb([1, 0x6d, 0x7f, 1, 0], 0xff, 0xff, 0xff, 0xff, 0x0f))).toThrow(MalformedBytes)
    expect(() => decodeCandid(bomb([2, 0x6d, 1, 0x6c, 0, 1, 0], 0xff, 0xff, 0xff, 0xff, 0x0f))).toThrow(MalformedBytes)
    expect(() => decodeCandid(bomb([1, 0x6c, 1, 0, 0, 1, 0]))).toThrow(MalformedBytes)
    expect(() => decodeCandid(bomb([1, 0x6e, 0, 1, 0], ...new Array<number>(200).fill(1)))).toThrow(MalformedBytes)
    // As deep as no stack goes, and where comparing types would take seconds.
    for (const depth of [3_000, 200_000]) {
      expect(() => jsonToCandid(toUtf8('['.repeat(depth) + ']'.repeat(depth)), nobody)).toThrow(MalformedBytes)
      expect(() => jsonToCandid(toUtf8(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`), nobody)).toThrow(
        MalformedBytes,
      )
    }
    expect(() => decodeCandid(bomb([0, 1, 0x7d], ...new Array<number>(600).fill(0x80)))).toThrow(MalformedBytes)
    // As many nulls as a long message might have values, in one of 13 bytes.
    expect(() => decodeCandid(bomb([1, 0x6d, 0x7f, 1, 0], 0xd8, 0x92, 0x0c))).toThrow(/more than \d{3} values/)
    expect(decodeCandid(bomb([1, 0x6d, 0x7f, 1, 0], 0xc8, 0x01))).toEqual([new Array(200).fill(null)])
  })

  it('counts long numbers by their length', () => {
    for (const value of [1n, 127n, 128n, 2n ** 48n, 2n ** 49n, 2n ** 56n - 1n, 2n ** 300n + 5n, 2n ** 3000n]) {
      for (const sign of [1n, -1n]) {
        expect(decodeCandid(IDL.encode([IDL.Int], [sign * value]))).toEqual([sign * value])
      }
      const bytes = IDL.encode([IDL.Nat], [value])
      expect(decodeCandid(bytes)).toEqual([value])
      if (value > 2n ** 200n) expect(() => decodeCandid(bytes, { valuesMax: 4 })).toThrow('more than 4 values')
    }
  })

  it('takes mutated arguments for what they are, or refuses them', { timeout: 3_600_000 }, () => {
    const net = new CanisterNet()
    const canister = net.create(user(1))
    const code = wat('(module (memory 1) (func (export "canister_update x")))')
    const whole = managementArgument(canister, {
      mode: installMode('upgrade', true),
      wasm_module: [BLOB, code],
      arg: [BLOB, code],
    })
    const originals = [
      whole,
      IDL.encode([person, IDL.Vec(IDL.Record({ a: IDL.Opt(IDL.Int), b: IDL.Func([], [], []) }))], [sample, []]),
    ]
    const random = seededRandom(MUTATIONS_SEED + 4)
    const mutations = mutationsOr(20_000)
    const codes = new Set<string>()
    for (let turn = 0; turn < mutations; turn++) {
      const bytes = mutated(originals, random)
      try {
        decodeCandid(bytes)
      } catch (error) {
        if (!(error instanceof MalformedBytes)) throw error
      }
      if (turn % 40 > 0) continue
      const answer = net.ingress(
        canister,
        ['install_code', 'update_settings', 'canister_status'][turn % 3] ?? '',
        bytes,
        user(1),
        new Uint8Array(0),
      )
      codes.add(answer?.reject?.error ?? 'reply')
    }
    expect([...codes].every(one => /^(IC0\d{3}|reply)$/.test(one))).toBe(true)
    expect(codes).toContain('IC0408')
    expect(net.replay(canister)).toBe(net.root(canister))
  })
})
