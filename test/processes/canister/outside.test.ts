import { expect, it } from 'vitest'
import {
  candidFields,
  candidRecord,
  candidVariant,
  encodeCandid,
  principalOf,
  principalText,
} from '../../../protocol/index.ts'
import { messageItem } from '../../fakes/signed-items.ts'
import { wat } from '../rewriter/wat.ts'
import { CanisterNet } from './canister-net.ts'

const STRANGER = Uint8Array.from({ length: 29 }, (_, index) => (index === 28 ? 1 : 7))

/** `call` calls whom its argument names; `fetch` asks for a page, `draw` for randomness. Each replies with the code of the reject; if there is none with 0, or with what was drawn. */
const ASKING = wat(`(module
  (import "ic0" "msg_arg_data_size" (func $size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $copy (param i32 i32 i32)))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reject_code" (func $code (result i32)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_data_append" (func $with (param i32 i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (memory 1)
  (table funcref (elem $back $drawn))
  (data (i32.const 16) "hello") (data (i32.const 32) "http_request") (data (i32.const 48) "raw_rand") (data (i32.const 64) "DIDL\\00\\00")
  (func $drawn (param i32) (call $append (i32.const 512) (call $take)) (call $reply))
  (func $take (result i32) (if (i32.eqz (call $code)) (then (call $copy (i32.const 512) (i32.const 0) (call $size)) (return (call $size)))) (i32.store (i32.const 512) (call $code)) (i32.const 1))
  (func $back (param i32) (i32.store (i32.const 0) (call $code)) (call $append (i32.const 0) (i32.const 1)) (call $reply))
  (func (export "canister_update hello") (call $reply))
  (func (export "canister_update call")
    (call $copy (i32.const 256) (i32.const 0) (call $size))
    (call $new (i32.const 256) (call $size) (i32.const 16) (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (drop (call $perform)))
  (func (export "canister_update draw")
    (call $new (i32.const 0) (i32.const 0) (i32.const 48) (i32.const 8) (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 0))
    (call $with (i32.const 64) (i32.const 6))
    (drop (call $perform)))
  (func (export "canister_update fetch")
    (call $copy (i32.const 256) (i32.const 0) (call $size))
    (call $new (i32.const 0) (i32.const 0) (i32.const 32) (i32.const 12) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (call $with (i32.const 256) (call $size))
    (drop (call $perform))))`)

const REQUEST = encodeCandid([
  [
    { record: candidFields({ url: 'text', method: { variant: candidFields({ get: 'null' }) } }) },
    candidRecord({ url: 'https://example.test/', method: candidVariant('get') }),
  ],
])

/** Answers of the slots while time passes. */
function passing(net: CanisterNet, ms: number): unknown[] {
  const before = net.results.length
  net.pass(ms)
  return net.answersSince(before).map(({ reply }) => reply && [...reply])
}

const HOUR_MS = 3_600_000

it('a call to a process that nobody looks for ends, and the next has it looked for again', () => {
  const net = new CanisterNet()
  const canister = net.installed(ASKING)
  const other = net.installed(ASKING)
  net.silent.add('canister.find')
  expect(net.ingress(canister, 'call', STRANGER)).toBeUndefined()
  expect(net.ingress(canister, 'call', principalOf(other))).toBeUndefined()
  expect(net.ingress(canister, 'call', principalOf(other))).toBeUndefined()
  expect(passing(net, 600_000)).toEqual([])
  expect(passing(net, HOUR_MS)).toEqual([[2], [2], [2]])
  net.silent.delete('canister.find')
  expect(net.ingress(canister, 'call', principalOf(other))?.reply).toEqual(Uint8Array.of(0))
  expect(net.replay(canister)).toBe(net.root(canister))
})

it('a call that was sent does not end because it waited before', () => {
  const net = new CanisterNet()
  const [canister, other] = [net.installed(ASKING), net.installed(ASKING)]
  net.silent.add('canister.find')
  expect(net.ingress(canister, 'call', principalOf(other))).toBeUndefined()
  const told = { Action: 'Reply', 'X-Reference': `find/${principalText(principalOf(other))}`, Effect: 'canister.find' }
  const data = JSON.stringify({ process: other, format: 'canister' })
  // Its request leaves, and is not delivered while time passes.
  const { outbox } = net.put(canister, {
    kind: 'item',
    item: messageItem(canister, { tags: told, data, signer: 1 }).bytes,
  })
  expect(outbox).toHaveLength(1)
  net.hold(() => expect(passing(net, HOUR_MS)).toEqual([]))
  const before = net.results.length
  net.deliver()
  expect(net.answersSince(before).map(({ reply }) => reply && [...reply])).toEqual([[0]])
})

it('an outcall whose outcome is lost ends; an outcome that comes later changes nothing', () => {
  const net = new CanisterNet()
  const canister = net.installed(ASKING)
  net.silent.add('http.fetch')
  expect(net.ingress(canister, 'fetch', REQUEST)).toBeUndefined()
  expect(passing(net, HOUR_MS)).toEqual([[2]])
  const late = { Action: 'Reply', 'X-Reference': 'http/0', Effect: 'http.fetch' }
  const data = JSON.stringify({ status: 200, headers: {}, body: '' })
  const before = net.results.length
  net.put(canister, { kind: 'item', item: messageItem(canister, { tags: late, data, signer: 1 }).bytes })
  net.deliver()
  expect(net.answersSince(before)).toEqual([])
  expect(net.replay(canister)).toBe(net.root(canister))
})

const blobReply = (bytes: Uint8Array): Uint8Array => encodeCandid([[{ vec: 'nat8' }, bytes]])
const BYTES = Uint8Array.from({ length: 32 }, (_, at) => at)

it('randomness is what the messenger unit drew once the request stood in the feed, and stands in the feed itself', () => {
  const net = new CanisterNet()
  const canister = net.installed(ASKING)
  net.effects['random.bytes'] = input => {
    expect(input).toEqual({ length: 32 })
    return { base64: Buffer.from(BYTES).toString('base64') }
  }
  expect(net.ingress(canister, 'draw')?.reply).toEqual(blobReply(BYTES))
  expect(net.replay(canister)).toBe(net.root(canister))
})

it('a draw whose outcome is lost, fails or has another form ends with a reject; of one that was answered no other outcome counts', () => {
  const net = new CanisterNet()
  const canister = net.installed(ASKING)
  const outcome = (reference: string, data: unknown, tags = {}): unknown[] => {
    const before = net.results.length
    const told = { Action: 'Reply', 'X-Reference': reference, Effect: 'random.bytes', ...tags }
    net.put(canister, {
      kind: 'item',
      item: messageItem(canister, { tags: told, data: JSON.stringify(data), signer: 1 }).bytes,
    })
    net.deliver()
    return net.answersSince(before).map(({ reply }) => reply && [...reply])
  }
  net.silent.add('random.bytes')
  /** The number of the last call. */
  let calls = 0
  expect(net.ingress(canister, 'draw')).toBeUndefined()
  expect(passing(net, HOUR_MS)).toEqual([[2]])
  expect(outcome('random/0', { base64: Buffer.from(BYTES).toString('base64') })).toEqual([])
  for (const wrong of [null, {}, { base64: 7 }, { base64: 'AAAA' }, { base64: Buffer.alloc(33).toString('base64') }]) {
    expect(net.ingress(canister, 'draw')).toBeUndefined()
    calls += 1
    expect(outcome(`random/${calls}`, wrong)).toEqual([[2]])
  }
  expect(net.ingress(canister, 'draw')).toBeUndefined()
  const last = `random/${calls + 1}`
  expect(outcome(last, { code: 'effect-unknown', message: '' }, { Action: 'Error' })).toEqual([[2]])
  expect(outcome(last, { base64: Buffer.from(BYTES).toString('base64') })).toEqual([])
  // An answer to a call that is no draw is none.
  net.silent.add('http.fetch')
  expect(net.ingress(canister, 'fetch', REQUEST)).toBeUndefined()
  expect(outcome(`random/${calls + 2}`, { base64: Buffer.from(BYTES).toString('base64') })).toEqual([])
  expect(net.replay(canister)).toBe(net.root(canister))
})
