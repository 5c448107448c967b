import { describe, expect, it } from 'vitest'
import {
  type CandidType,
  type CandidValue,
  candidFields,
  candidRecord,
  encodeCandid,
  type ProcessId,
  toHex,
} from '../../../protocol/index.ts'
import { ASSETS, PAGE } from '../../network/programs/canisters.ts'
import { BLOB, CanisterNet, NOTHING, principalArg, replied } from './canister-net.ts'
import { type MotokoKind, motoko } from './motoko.ts'
import { CALLER, COUNTER, HEARTBEAT, INSPECT, KEY_VALUE, TIMERS } from './programs.ts'

type Message = readonly [method: string, arg: Uint8Array]
const texts = (...values: string[]): Uint8Array => encodeCandid(values.map(value => ['text', value] as const))
const record = (fields: Record<string, readonly [CandidType, CandidValue]>): Uint8Array => {
  const types = Object.fromEntries(Object.entries(fields).map(([name, [type]]) => [name, type]))
  const values = Object.fromEntries(Object.entries(fields).map(([name, [, value]]) => [name, value]))
  return encodeCandid([[{ record: candidFields(types) }, candidRecord(values)]])
}
const blob = (text: string): readonly [CandidType, CandidValue] => [BLOB, new TextEncoder().encode(text)]
const ASSET = record({
  key: ['text', '/a'],
  content: blob('hello'),
  content_type: ['text', 'text/plain'],
  content_encoding: ['text', 'identity'],
  sha256: [{ opt: BLOB }, { opt: undefined }],
})
const HEADERS: CandidType = {
  vec: {
    record: [
      [0, 'text'],
      [1, 'text'],
    ],
  },
}
const SERVED = record({
  body: blob('page'),
  tree: blob('tree'),
  root: blob('root'),
  headers: [HEADERS, []],
  more: ['text', ''],
})

/** Programs, and what they are told; `other` is a counter. */
const TABLE: readonly (readonly [name: string, source: string, messages: (other: ProcessId) => readonly Message[]])[] =
  [
    [
      'counter',
      COUNTER,
      () => [
        ['inc', NOTHING],
        ['boom', NOTHING],
        ['inc', NOTHING],
      ],
    ],
    [
      'key and value',
      KEY_VALUE,
      () => [
        ['put', texts('a', 'b')],
        ['put', texts('a', 'c')],
        ['put', texts('d', 'e')],
      ],
    ],
    [
      'caller',
      CALLER,
      other => [
        ['twice', principalArg(other)],
        ['parallel', principalArg(other)],
        ['tryBoom', principalArg(other)],
      ],
    ],
    [
      'timers',
      TIMERS,
      () => [
        ['start', NOTHING],
        ['once', NOTHING],
      ],
    ],
    ['heartbeat', HEARTBEAT, () => []],
    [
      'inspection',
      INSPECT,
      () => [
        ['set', encodeCandid([['nat32', 7n]])],
        ['balance', NOTHING],
      ],
    ],
    [
      'assets',
      ASSETS,
      () => [
        ['store', ASSET],
        ['clear', record({})],
        ['store', ASSET],
      ],
    ],
    ['page', PAGE, () => [['set', SERVED]]],
  ]
const KINDS: readonly MotokoKind[] = ['wasm64', 'wasm32']

describe.each(KINDS)('another unit comes to the same state root (%s)', kind => {
  // What is compiled for other tests too.
  it.each(kind === 'wasm64' ? TABLE : TABLE.slice(0, -2))('of %s', { timeout: 120_000 }, (_, source, messages) => {
    const net = new CanisterNet()
    const other = net.installed(motoko(COUNTER, kind))
    const canister = net.installed(motoko(source, kind))
    for (const [method, arg] of messages(other)) net.ingress(canister, method, arg)
    net.pass(5_000)
    net.ingress(canister, 'nothing there')
    expect(replied(net.manage(canister, 'take_canister_snapshot'))).toBeDefined()
    for (const process of [canister, other]) {
      expect(net.replay(process)).toBe(net.root(process))
      const woken = net.wakeElsewhere(process)
      expect(toHex(woken.stateRoot())).toBe(net.root(process))
      woken.close()
    }
  })
})
