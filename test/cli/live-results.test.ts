import { expect, it } from 'vitest'
import { LiveResults } from '../../cli/project/live-results.ts'
import { encodeProcessOutput, type ProcessOutput, type ResultView } from '../../protocol/index.ts'
import { shortId } from '../../cli/showing/short-id.ts'
import type { Terminal } from '../../cli/terminal.ts'
import type { Client } from '../../sdk/index.ts'
import { fakeId } from '../fakes/guest-context.ts'

const slotWith = (slot: number, output: object, message?: string): ResultView =>
  ({
    slot,
    status: 'ok',
    output: encodeProcessOutput(output as ProcessOutput),
    log: '',
    message,
  }) as unknown as ResultView

/** What is told of these slots, whose messages have those actions. */
async function toldOf(slots: readonly ResultView[], actionOf: (slot: number) => string | undefined): Promise<string[]> {
  let ended = (): void => undefined
  const end = new Promise<void>(done => (ended = done))
  const client = {
    results: async function* () {
      yield* slots
      ended()
    },
    processes: {
      slot: async (_: string, slot: number) => ({ envelope: { tags: [{ name: 'Action', value: actionOf(slot) }] } }),
    },
  } as unknown as Client
  let told = ''
  const terminal = {
    err: (text: string) => (told += text),
    paintErr: (_: string, text: string) => text,
    signal: new AbortController().signal,
  } as unknown as Terminal
  const seen: string[] = []
  new LiveResults(client, terminal, name => seen.push(name)).follow('helper', 'id')
  await end
  expect(seen).toHaveLength(slots.length)
  return told.split('\n')
}

it('tells, in words that drive no terminal, what came of a message that waited, and that it failed, in the slot that ended it', async () => {
  const slots = [
    slotWith(1, { pending: true }, fakeId(1)),
    slotWith(2, { pending: true }, fakeId(2)),
    slotWith(3, { settled: [{ message: fakeId(1), reply: { steps: 2 } }] }),
    slotWith(4, {
      settled: [{ message: fakeId(2), error: { code: 'effect-failed', message: 'the model answered 401' } }],
    }),
    slotWith(5, { events: [{ name: 'said', data: {} }] }),
    slotWith(6, { reply: 1, events: [{ name: 'said', data: {} }] }),
  ]
  const actions = ['', '\u001b[2Jask', 'think', 'Reply', 'Error', 'say', 'say']
  expect(await toldOf(slots, slot => actions[slot])).toEqual([
    '● helper #1 ask … waits',
    '● helper #2 think … waits',
    '● helper #3 Reply',
    '● helper #3 ask → {"steps":2}',
    '● helper #4 Error',
    '● helper #4 think effect-failed: the model answered 401',
    '● helper #5 say · said',
    '● helper #6 say → 1 · said',
    '',
  ])
})

it('keeps the actions of the last thousand that wait: of those before, it tells the message', async () => {
  const waiting = Array.from({ length: 1_001 }, (_, at) => slotWith(at, { pending: true }, fakeId(at)))
  const settled = [0, 1].map(at => ({ message: fakeId(at), reply: at }))
  const told = await toldOf([...waiting, slotWith(1_001, { settled })], slot => (slot > 1_000 ? 'Reply' : 'ask'))
  expect(told.slice(-4)).toEqual([
    '● helper #1001 Reply',
    `● helper #1001 ${shortId(fakeId(0))} → 0`,
    '● helper #1001 ask → 1',
    '',
  ])
})
