import { expect, it } from 'vitest'
import { Requests, type RequestsParts } from '../../../gateway/ic/requests.ts'
import { asProcessId, requestMessageId, toBase64Url } from '../../../protocol/index.ts'

it('answers all who sent a request again and again', async () => {
  const computer = { evaluated: () => Promise.resolve(0) } as unknown as RequestsParts['computer']
  const log = { directory: { processAtHand: () => ({}) } } as unknown as RequestsParts['log']
  const requests = new Requests({ computer, log, speaksFor: () => true } as unknown as RequestsParts)
  const process = asProcessId(toBase64Url(new Uint8Array(32)))
  const call = new Uint8Array(32).fill(7)
  const place = { slot: 3, sender: Uint8Array.of(4) }
  const answers = Array.from({ length: 20_000 }, () => requests.answered(process, requestMessageId(call), place))
  const reply = Uint8Array.of(1)
  const output = { answers: [[call, { reply }] as const], certified: undefined, changed: false }
  const results = [{ result: {} as never, output }]
  requests.evaluated({ process, firstSlot: 3, outputs: () => results })
  expect(await Promise.all(answers)).toEqual(answers.map(() => ({ reply })))
})
