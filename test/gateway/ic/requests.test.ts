import { expect, it } from 'vitest'
import { Requests, type RequestsParts } from '../../../gateway/ic/requests.ts'
import { asProcessId, encodeCanisterOutput, requestMessageId, toBase64Url } from '../../../protocol/index.ts'

it('answers all who sent a request again and again', async () => {
  const computer = { evaluated: () => Promise.resolve(0) } as unknown as RequestsParts['computer']
  const log = { directory: { processAtHand: () => ({}) } } as unknown as RequestsParts['log']
  const requests = new Requests({ computer, log, speaksFor: () => true } as unknown as RequestsParts)
  const process = asProcessId(toBase64Url(new Uint8Array(32)))
  const call = new Uint8Array(32).fill(7)
  const place = { slot: 3, sender: Uint8Array.of(4), canister: Uint8Array.of(5) }
  const answers = Array.from({ length: 20_000 }, () => requests.answered(process, requestMessageId(call), place))
  const reply = Uint8Array.of(1)
  const output = { answers: [[call, { reply }] as const], certified: undefined, changed: false }
  const results = [{ result: {} as never, output }]
  requests.evaluated({ process, firstSlot: 3, outputs: () => results })
  expect(await Promise.all(answers)).toEqual(answers.map(() => ({ reply })))
})

it('looks through a feed once for the answer of a request, however often it is asked for', async () => {
  const looked: number[] = []
  let evaluated = 5_000
  const quiet = (slot: number) => ({
    slot,
    status: 'ok',
    output: encodeCanisterOutput({ answers: [], changed: false }),
  })
  const computer = {
    evaluated: async () => evaluated,
    result: async (_: unknown, slot: number) => quiet(slot),
    results: async function* (_: unknown, from: number, to: number) {
      for (let slot = from; slot < to; slot++) {
        looked.push(slot)
        yield quiet(slot)
      }
    },
  }
  const process = asProcessId(toBase64Url(new Uint8Array(32)))
  const log = {
    directory: { process: async () => ({ id: process }), processAtHand: () => ({}) },
    store: { get: async () => undefined },
  }
  const requests = new Requests({ computer, log, speaksFor: () => true } as unknown as RequestsParts)
  const id = requestMessageId(new Uint8Array(32).fill(7))
  void requests.answered(process, id, { slot: 3, sender: Uint8Array.of(4), canister: Uint8Array.of(5) })
  for (let poll = 0; poll < 5; poll++) expect((await requests.state(process, id))?.state.status).toBe('processing')
  evaluated = 5_010
  await requests.state(process, id)
  expect(looked.length).toBeLessThan(2 * 5_010)
  expect(looked.at(-1)).toBe(5_009)
})
