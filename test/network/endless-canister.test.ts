import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type AtollNode, createNode } from '../../node/index.ts'
import { decodeCandid } from '../../protocol/index.ts'
import { motoko } from '../processes/canister/motoko.ts'
import { IcCaller } from './ic-caller.ts'
import { COUNTER, ENDLESS } from './programs/canisters.ts'

const OTHERS = 4
const CALLS = 3
const ROUNDS_MAX = 5

/** Calls counters while a loop runs; how many of them answered all calls before it was stopped. */
async function answeredMeanwhile(user: IcCaller, endless: Uint8Array, counters: readonly Uint8Array[]): Promise<number> {
  let isOver = false
  const loop = user.call(endless, 'spin').finally(() => {
    isOver = true
  })
  const inTime = await Promise.all(
    counters.map(async counter => {
      for (let call = 1; call <= CALLS; call++) {
        const { reply } = await user.call(counter, 'inc')
        expect(reply && decodeCandid(reply)).toEqual([BigInt(call)])
      }
      return !isOver
    }),
  )
  expect(await loop).toMatchObject({ reply: undefined, error: 'IC0522' })
  return inTime.filter(Boolean).length
}

/** Which of two hosts a canister is in follows from its id, which nobody chooses: there are rounds until one is in the other. */
it('a loop without end in one canister ends as IC0522, and those in other hosts answer meanwhile', { timeout: 180_000 }, async () => {
  const data = await mkdtemp(join(tmpdir(), 'atoll-test-'))
  let node: AtollNode | undefined
  try {
    node = await createNode({ data, port: 0, hosts: 2 })
    const user = await IcCaller.open(node.url)
    const endless = await user.install(motoko(ENDLESS))
    let inTime = 0
    for (let round = 0; round < ROUNDS_MAX && inTime === 0; round++) {
      const counters: Uint8Array[] = []
      while (counters.length < OTHERS) counters.push(await user.install(motoko(COUNTER)))
      inTime = await answeredMeanwhile(user, endless, counters)
    }
    expect(inTime).toBeGreaterThan(0)
    const { reply } = await user.call(endless, 'count')
    expect(reply && decodeCandid(reply)).toEqual([1n])
  } finally {
    await node?.[Symbol.asyncDispose]()
    await rm(data, { recursive: true, force: true, maxRetries: 5 })
  }
})
