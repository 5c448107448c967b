import { describe, expect, it } from 'vitest'
import { certifiedCheckpoints } from '../../compute-unit/kept/certified-checkpoints.ts'
import { Checkpoints } from '../../compute-unit/kept/checkpoints.ts'
import { asModuleId, asProcessId, encodeCertificate, type FeedSpec, type Slot } from '../../protocol/index.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { MemoryStore } from '../fakes/memory-store.ts'

const P = asProcessId(fakeId(1))
const M = asModuleId(fakeId(3))
const RESULTS = {} as FeedSpec
const hash = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)

/** A process of one slot a block, with a checkpoint at each of `slots`; each state has the number of its slot as root, chunk and cell. */
async function kept(slots: readonly Slot[]): Promise<{ store: MemoryStore; checkpoints: Checkpoints }> {
  const store = new MemoryStore()
  const checkpoints = new Checkpoints(store)
  for (const at of slots) {
    const state = { slots: at, module: M, since: 0, pages: 1, engine: hash(at), logHash: hash(at), stateRoot: hash(at) }
    await checkpoints.write(P, at, { ...state, chunks: new Map([[0, hash(at)]]), cells: [['cell', hash(at)]] })
  }
  return { store, checkpoints }
}

const certified = async (_: FeedSpec, block: number): Promise<Uint8Array> =>
  encodeCertificate({
    process: P,
    firstSlot: block,
    count: 1,
    frameHash: hash(0),
    resultsRoot: hash(0),
    stateRoot: hash(block + 1),
    gas: 1n,
  })

async function found(
  checkpoints: Checkpoints,
  evaluated: Slot,
  block: typeof certified = certified,
): Promise<readonly (readonly [slots: Slot, chunk: number | undefined, cell: number | undefined])[]> {
  const all = await Array.fromAsync(
    certifiedCheckpoints({ log: { block }, checkpoints }, P, { results: RESULTS, evaluated, blocks: evaluated }),
  )
  return all.map(({ head, snapshot }) => [head.slots, snapshot?.chunks.get(0)?.[0], snapshot?.cells[0]?.[1][0]])
}

describe('the checkpoints that a unit certified', () => {
  it('are given newest first, each once, up to where it evaluated', async () => {
    const { checkpoints } = await kept([2, 4, 6])
    expect(await found(checkpoints, 6)).toEqual([6, 4, 2].map(at => [at, at, at]))
    expect(await found(checkpoints, 5)).toEqual([4, 2].map(at => [at, at, at]))
    expect(await found(checkpoints, 1)).toEqual([])
  })

  it('are passed over if their state is another than was certified', async () => {
    const { checkpoints } = await kept([2, 4, 6])
    const other = async (feed: FeedSpec, block: number): Promise<Uint8Array> => certified(feed, block === 5 ? 8 : block)
    expect(await found(checkpoints, 6, other)).toEqual([4, 2].map(at => [at, at, at]))
  })

  it('are those before, if the newest is damaged, though the rest of it is there', async () => {
    const { store, checkpoints } = await kept([2, 4, 6])
    const prefix = Buffer.from('compute/checkpoint/')
    const heads = await Array.fromAsync(store.range({ gte: prefix, lt: Buffer.from('compute/checkpoint0') }))
    store.write([{ key: heads.at(-1)?.key ?? prefix, value: new Uint8Array(3) }])
    expect(await found(checkpoints, 6)).toEqual([4, 2].map(at => [at, at, at]))
  })

  it('are looked for once, by whoever wakes where its feed ended: nothing waits for another look', async () => {
    const { store, checkpoints } = await kept([2, 4, 6])
    const gate = Promise.withResolvers<void>()
    let looks = 0
    const range = store.range.bind(store)
    store.range = async function* (bounds) {
      looks += 1
      await gate.promise
      yield* range(bounds)
    }
    const block = async (feed: FeedSpec, at: number): Promise<Uint8Array> => {
      looks += 1
      await gate.promise
      return certified(feed, at)
    }
    const reading = certifiedCheckpoints({ log: { block }, checkpoints }, P, {
      results: RESULTS,
      evaluated: 6,
      blocks: 6,
    })[Symbol.asyncIterator]()
    const first = reading.next()
    await expect.poll(() => looks).toBe(4)
    gate.resolve()
    expect((await first).value).toMatchObject({ head: { slots: 6 }, snapshot: { slots: 6, isNewest: true } })
    expect(looks).toBe(4)
  })
})
