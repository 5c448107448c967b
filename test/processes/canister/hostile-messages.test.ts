import { describe, expect, it } from 'vitest'
import { METHODS } from '../../../processes/canister/management/methods.ts'
import {
  asMessageId,
  asModuleId,
  asProcessId,
  decodePushBody,
  describeProcess,
  emptyCanisterModule,
  encodeCandid,
  type Envelope,
  encodeEnvelope,
  encodeFrame,
  makePush,
  principalOf,
  principalText,
  type ProcessId,
  type QueryMessage,
  type Tag,
  toUtf8,
} from '../../../protocol/index.ts'
import { HostedProcess } from '../../../compute-unit/index.ts'
import { keyOf } from '../../fakes/certified-pushes.ts'
import { fakeId } from '../../fakes/guest-context.ts'
import { drawing } from '../../fakes/hostile-values.ts'
import { messageItem, spawnItem } from '../../fakes/signed-items.ts'
import { CanisterNet, NOTHING, user } from './canister-net.ts'
import { hostileProgram } from './hostile-program.ts'

const ROUNDS = Number(process.env['ATOLL_HOSTILE_ROUNDS'] ?? 1500)
const MODULE = asModuleId(emptyCanisterModule().id)
const VERDICT = { status: 'ok', sender: { owner: keyOf(1), module: MODULE } } as const

/** Tags that canisters look at, and what they may not expect there. */
function tagsOf(self: ProcessId, draw: () => number): Tag[] {
  const any = <T>(list: readonly T[], other: T): T => list[Math.floor(draw() * list.length)] ?? other
  const texts = [
    '',
    '0',
    '1',
    '-1',
    '1e3',
    '0x10',
    '99999999999999999999',
    String(2n ** 128n),
    'NaN',
    'é\u0000',
    'r'.repeat(700),
    self,
    fakeId(3),
    'aaaaa-aa',
    principalText(principalOf(self)),
    principalText(user(1)),
    `find/${principalText(user(1))}`,
    'find/',
    'http/0',
    'http/',
    'http/x',
    'AAAA',
    '!',
  ]
  const values: Readonly<Record<string, readonly string[]>> = {
    Action: [
      ...METHODS.keys(),
      'noop',
      'run',
      'reply',
      'raw_rand',
      'create_canister',
      'http_request',
      '__proto__',
      'Reply',
      'Error',
      '',
    ],
    'Content-Type': ['application/candid', 'application/json', 'text/plain'],
    'Canister-Query': ['query', 'inspect', 'management', 'facts', 'metadata', 'other'],
    'Canister-Request': ['ingress', 'call', 'other'],
    Canister: ['aaaaa-aa', ...texts],
  }
  const names = [
    ...Object.keys(values),
    'Reference',
    'X-Reference',
    'Cycles',
    'Deadline',
    'Error',
    'Reject-Code',
    'Canister-Answers',
    'Messenger',
    'IC-Root-Key',
  ]
  return Array.from({ length: 1 + Math.floor(draw() * 5) }, () => {
    const name = any(names, 'Action')
    return { name, value: any(draw() < 0.8 ? (values[name] ?? texts) : texts, '') }
  })
}

function dataOf(draw: () => number): Uint8Array {
  const shapes = [
    () => new Uint8Array(0),
    () => NOTHING,
    () => toUtf8('DIDL'),
    () => Uint8Array.from({ length: 40 }, () => Math.floor(draw() * 256)),
    () => encodeCandid([['principal', { principal: user(2) }]]),
    () => toUtf8(draw() < 0.5 ? '{"a":[1,{"b":null}]}' : '["x"'),
    // A vector of two thousand million nothings, and a type that is itself.
    () => Uint8Array.of(0x44, 0x49, 0x44, 0x4c, 1, 0x6d, 0x7f, 1, 0, 0xff, 0xff, 0xff, 0xff, 0x07),
    () => Uint8Array.of(0x44, 0x49, 0x44, 0x4c, 1, 0x6c, 1, 0, 0, 1, 0),
    () => Uint8Array.of(0x82, 0x40, 0x9a, 0xff, 0xff, 0xff, 0xff),
  ]
  return shapes[Math.floor(draw() * shapes.length)]?.() ?? new Uint8Array(0)
}

const record = (tags: readonly Tag[]): Record<string, string> =>
  Object.fromEntries(tags.map(({ name, value }) => [name, value]))

describe('whatever a hostile process or client says to a canister', { timeout: 300_000 }, () => {
  it('is a message like any other, the same at every replay', () => {
    const draw = drawing(7)
    const net = new CanisterNet()
    net.silent.add('canister.find')
    const canister = net.installed(hostileProgram(false))
    let seq = 0
    for (let round = 0; round < ROUNDS; round++) {
      const tags = tagsOf(canister, draw)
      const data = dataOf(draw)
      if (draw() < 0.5) {
        // By signer 1 it is what the messenger unit did outside.
        const signer = draw() < 0.5 ? 1 : 9
        net.put(canister, {
          kind: 'item',
          item: messageItem(canister, { tags: { N: String(round), ...record(tags) }, data, signer }).bytes,
        })
      } else {
        const core = {
          from: asProcessId(fakeId(4)),
          slot: round,
          index: 0,
          seq: seq++,
          to: canister,
          depth: 1,
          fuel: 10n ** 10n,
          origin: asMessageId(fakeId(2)),
        }
        const push = makePush(core, { kind: 'message', tags, data, anchor: undefined })
        decodePushBody(push.bodyBytes)
        net.put(canister, { kind: 'push', push, proof: undefined })
      }
      net.deliver()
      if (round % 100 === 0) net.pass(2_000)
    }
    expect(net.results.length).toBeGreaterThan(ROUNDS)
    // Nothing broke a limit of the process, which would take along who else waits in the slot.
    for (const { result } of net.results)
      if (result.error !== undefined) expect(result.error.code).toMatch(/^IC0\d{3}$/)
    expect(net.replay(canister)).toBe(net.root(canister))
  })

  it('is answered, if it is a query', () => {
    const draw = drawing(8)
    const net = new CanisterNet()
    const canister = net.installed(hostileProgram(true))
    const froms = ['', 'x', fakeId(5), principalText(user(1)), 'aaaaa-aa', '2vxsx-fae']
    for (let round = 0; round < ROUNDS; round++) {
      const from = froms[Math.floor(draw() * froms.length)] ?? ''
      const message: QueryMessage = { from, owner: from, id: '', tags: tagsOf(canister, draw), data: dataOf(draw) }
      expect(() => net.member(canister).process.query(message, net.nowMs), JSON.stringify(message.tags)).not.toThrow()
    }
  })

  it('makes a canister or none, if it is a spawn', () => {
    const draw = drawing(9)
    const net = new CanisterNet()
    for (let round = 0; round < ROUNDS / 5; round++) {
      const tags = tagsOf(asProcessId(fakeId(6)), draw).filter(({ name }) => name !== 'Messenger' || draw() < 0.5)
      const item = spawnItem(MODULE, keyOf(1), { tags: { N: String(round), ...record(tags) }, data: dataOf(draw) })
      const envelope: Envelope = { kind: 'item', item: item.bytes }
      const hosted = HostedProcess.open(describeProcess(envelope), net.module)
      const frame = encodeFrame(0, [{ timestampMs: net.nowMs, envelopeBytes: encodeEnvelope(envelope) }])
      expect(() => hosted.evaluate(frame, [VERDICT]), JSON.stringify(tags)).not.toThrow()
      hosted.close()
    }
  })
})
