import { expect, it } from 'vitest'
import { runComposite } from '../../../gateway/ic/composite.ts'
import type { Desk } from '../../../gateway/ic/desk.ts'
import {
  candidFields,
  candidRecord,
  type CompositeCall,
  encodeCandid,
  encodeCanisterOutput,
  encodeCompositeCalls,
  findTag,
  principalText,
  type QueryMessage,
} from '../../../protocol/index.ts'

const [A, B, C] = [1, 2, 3].map(number => Uint8Array.of(number, 1)) as [Uint8Array, Uint8Array, Uint8Array]
const NOBODY = new Uint8Array(0)
const sender = Uint8Array.of(4)
const certificate = Uint8Array.of(9)

const replying = (bytes: Uint8Array): Uint8Array =>
  encodeCanisterOutput({ answers: [[NOBODY, { reply: bytes }]], changed: false })

/** Asks a composite query of A whose canisters do as `outputs` says, by what they are asked; tells who was asked, and by whom. */
async function asked(calls: readonly CompositeCall[], outputs: Readonly<Record<string, Uint8Array>> = {}) {
  const seen: string[] = []
  const desk = {
    canisters: { get: async (principal: Uint8Array) => ({ process: { id: principalText(principal) } }) },
    parts: {
      computer: {
        query: async (process: string, { from, tags }: QueryMessage) => {
          const [kind, method] = [findTag(tags, 'Canister-Query'), findTag(tags, 'Action') ?? '']
          seen.push(`${process} ${kind} ${method} by ${from}`)
          const isAgain = findTag(tags, 'Canister-Answers') !== undefined
          return { output: (isAgain ? undefined : outputs[method]) ?? replying(Uint8Array.of(7)) }
        },
      },
    },
  } as unknown as Desk
  const call = { callee: A, method: 'begin', arg: NOBODY }
  const answer = await runComposite(desk, call, encodeCompositeCalls(calls), { sender, certificate })
  return { seen, answer }
}

it('a canister is called in the name of whoever calls it, however deep', async () => {
  const inner = encodeCompositeCalls([{ callee: C, method: 'deep', arg: NOBODY }])
  const { seen } = await asked([{ callee: B, method: 'mid', arg: NOBODY }], { mid: inner })
  const [a, b, c] = [A, B, C].map(principalText)
  expect(seen).toEqual([
    `${b} query mid by ${a}`,
    `${c} query deep by ${b}`,
    `${b} query mid by ${a}`,
    `${a} query begin by ${principalText(sender)}`,
  ])
})

it('the management canister is asked of the canister that the question is about, in the name of whoever asks', async () => {
  const about = encodeCandid([
    [{ record: candidFields({ canister_id: 'principal' }) }, candidRecord({ canister_id: { principal: B } })],
  ])
  const { seen, answer } = await asked([
    { callee: NOBODY, method: 'canister_status', arg: about },
    { callee: NOBODY, method: 'raw_rand', arg: encodeCandid([]) },
  ])
  expect(seen).toEqual([
    `${principalText(B)} management canister_status by ${principalText(A)}`,
    `${principalText(A)} query begin by ${principalText(sender)}`,
  ])
  expect(answer.reply).toEqual(Uint8Array.of(7))
})
