import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, onTestFinished, test, vi } from 'vitest'
import { AtOnce } from '../../network/links/at-once.ts'
import { FairShare } from '../../network/links/fair-share.ts'
import { IncomingCalls } from '../../network/links/incoming-calls.ts'
import type { LinkFrame } from '../../network/links/link-frame.ts'
import { PartsLane } from '../../network/links/parts-lane.ts'
import {
  asKeyId,
  type PeerOperationRow,
  PEER_REQUESTS_MAX,
  PEER_TURN_MAX_MS,
  PEERS_REQUESTS_MAX_BYTES,
  peerRowOf,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'

/** A peer whose requests are begun when the test says so, one at once. */
function opened(room = new FairShare(PEERS_REQUESTS_MAX_BYTES)) {
  const atOnce = new AtOnce()
  const row: PeerOperationRow = { ...(peerRowOf('frames') ?? expect.fail('no such operation')), atOnce: 1 }
  const begun: Uint8Array[] = []
  let end: () => void = () => undefined
  const calls = new IncomingCalls({
    from: asKeyId(keyOf(1)),
    lane: new PartsLane({ send: () => undefined, waitingBytes: 0 }, () => 1_000),
    serve: {
      atOnce,
      room,
      row: () => row,
      one: async (_, payload) => {
        begun.push(payload)
        await new Promise<void>(resolve => {
          end = resolve
        })
        return new Uint8Array(0)
      },
      async *many() {},
    },
    begun: () => undefined,
    offence: (_, what) => expect.fail(what),
  })
  const ask = (id: number, payload = new Uint8Array(9), more = false): void =>
    calls.take({ kind: 'ask', id, operation: 'frames', waitMs: 0, payload, more })
  /** As many turns as it takes to begin what was asked. */
  const turn = async (): Promise<void> => {
    do await new Promise(resolve => setImmediate(resolve))
    while (calls.unread > 0)
  }
  return { atOnce, calls, begun, ask, turn, end: () => end() }
}

test('requests that are cancelled while they wait their turn are held no more, however many', async () => {
  const { atOnce, calls, begun, ask, turn } = opened()
  ask(0)
  for (let id = 1; id <= 3 * PEER_REQUESTS_MAX; id++) {
    ask(id)
    if (id % 100 === 0) await turn()
    calls.take({ kind: 'cancel', id } satisfies LinkFrame)
  }
  await turn()
  expect([begun.length, calls.underWay, atOnce.waitingCount]).toEqual([1, 1, 0])
})

test('those that are left have their turn, with all that was asked', async () => {
  const { calls, begun, ask, turn, end } = opened()
  ask(0)
  ask(1)
  ask(2, Uint8Array.of(1, 2), true)
  calls.take({ kind: 'ask-part', id: 2, payload: Uint8Array.of(3), more: false })
  await turn()
  calls.take({ kind: 'cancel', id: 1 })
  end()
  await expect.poll(() => begun.length).toBe(2)
  expect(begun[1]).toEqual(Uint8Array.of(1, 2, 3))
})

test('a peer that is gone leaves nothing waiting', async () => {
  const { atOnce, calls, ask, turn } = opened()
  for (let id = 0; id < 5; id++) ask(id)
  await turn()
  expect(atOnce.waitingCount).toBe(4)
  calls.close()
  expect(atOnce.waitingCount).toBe(0)
})

test('what many ask and do not finish has one bound, and leaves room for whoever asks little', async () => {
  const room = new FairShare(1_000)
  const [many, few] = [opened(room), opened(room)]
  for (let id = 0; id < 20; id++) many.ask(id, new Uint8Array(100), true)
  await many.turn()
  expect([many.calls.underWay, room.taken]).toEqual([10, 1_000])
  few.ask(0, new Uint8Array(100))
  await few.turn()
  expect(few.begun).toHaveLength(1)
  for (const { calls } of [many, few]) calls.close()
  expect(room.taken).toBe(0)
})

/** A peer that asks for what no node knows, of which one is refused in each turn until `go`. */
function refused() {
  const sent: Uint8Array[] = []
  const calls = new IncomingCalls({
    from: asKeyId(keyOf(1)),
    lane: new PartsLane({ send: frame => void sent.push(frame), waitingBytes: 0 }, () => 1_000),
    serve: {
      atOnce: new AtOnce(),
      room: new FairShare(PEERS_REQUESTS_MAX_BYTES),
      row: () => undefined,
      one: () => expect.fail('it is unknown'),
      many: () => expect.fail('it is unknown'),
    },
    begun: () => undefined,
    offence: (_, what) => expect.fail(what),
  })
  // Each look at the clock finds half of a turn gone.
  let nowMs = 0
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += PEER_TURN_MAX_MS / 2))
  onTestFinished(() => clock.mockRestore())
  const ask = (id: number, payload = new Uint8Array(0)): void =>
    calls.take({ kind: 'ask', id, operation: 'nothing', waitMs: 0, payload, more: false })
  return { calls, sent, ask, go: () => clock.mockRestore() }
}

test('what is refused has its turn as well: a thousand failures are not made at once', async () => {
  const { calls, sent, ask, go } = refused()
  for (let id = 0; id < 1_000; id++) ask(id)
  expect([sent.length, calls.unread]).toEqual([1, 999])
  go()
  await expect.poll(() => sent.length).toBe(1_000)
})

test('what is refused and not told yet is under way: the link must not end before', async () => {
  const { calls, sent, ask, go } = refused()
  for (let id = 0; id < 100; id++) ask(id)
  expect([sent.length, calls.underWay]).toEqual([1, 99])
  go()
  await expect.poll(() => sent.length).toBe(100)
  expect(calls.underWay).toBe(0)
})

test('what was asked is not held while its refusal waits', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const { calls, ask } = refused()
  const asked: WeakRef<Uint8Array>[] = []
  for (let id = 0; id < 100; id++) {
    const payload = new Uint8Array(10_000)
    asked.push(new WeakRef(payload))
    ask(id, payload)
  }
  await new Promise(resolve => setImmediate(resolve))
  collect()
  expect(calls.unread).toBeGreaterThan(50)
  expect(asked.filter(payload => payload.deref() !== undefined).length).toBeLessThan(10)
})
