import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type AtollNode, createNode } from '../../node/index.ts'
import { decodeCandid } from '../../protocol/index.ts'
import { motoko } from '../processes/canister/motoko.ts'
import { IcCaller } from './ic-caller.ts'
import { COUNTER, ENDLESS } from './programs/canisters.ts'

const OTHERS = 3
const CALLS = 3

/** Does `work` for each of the others while something without end is under way; how many were done before it was stopped. */
async function doneMeanwhile<T>(
  endless: Promise<T>,
  others: readonly Uint8Array[],
  work: (one: Uint8Array) => Promise<void>,
): Promise<[number, T]> {
  let isOver = false
  const ended = endless.finally(() => {
    isOver = true
  })
  const inTime = await Promise.all(
    others.map(async one => {
      for (let call = 1; call <= CALLS; call++) await work(one)
      return !isOver
    }),
  )
  return [inTime.filter(Boolean).length, await ended]
}

it('a loop without end in one canister ends as IC0522, and all others of its host answer meanwhile', async () => {
  const data = await mkdtemp(join(tmpdir(), 'atoll-test-'))
  let node: AtollNode | undefined
  try {
    node = await createNode({ data, port: 0, hosts: 1 })
    const user = await IcCaller.open(node.url)
    const endless = await user.install(motoko(ENDLESS))
    const counters: Uint8Array[] = []
    while (counters.length < OTHERS) counters.push(await user.install(motoko(COUNTER)))

    const inc = async (counter: Uint8Array): Promise<void> => {
      expect(await user.call(counter, 'inc')).toMatchObject({ error: undefined })
    }
    const [updates, stopped] = await doneMeanwhile(user.call(endless, 'spin'), counters, inc)
    expect(stopped).toMatchObject({ reply: undefined, error: 'IC0522' })
    expect(updates).toBe(OTHERS)
    const { reply } = await user.call(endless, 'count')
    expect(reply && decodeCandid(reply)).toEqual([1n])

    const get = async (counter: Uint8Array): Promise<void> => {
      expect(decodeCandid((await user.query(counter, 'get')).reply ?? new Uint8Array(0))).toEqual([BigInt(CALLS)])
    }
    // A busy machine may have the node answer that it waited long enough.
    const look = user
      .query(endless, 'look')
      .catch((error: Error) => ({ reply: undefined, error: error.message.slice(0, 3) }))
    const [queries, given] = await doneMeanwhile(look, counters, get)
    expect(given.reply).toBeUndefined()
    expect(['IC0522', '504']).toContain(given.error)
    expect(queries).toBeGreaterThan(0)
  } finally {
    await node?.[Symbol.asyncDispose]()
    await rm(data, { recursive: true, force: true, maxRetries: 5 })
  }
})
