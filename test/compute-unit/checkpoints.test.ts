import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { Checkpoints } from '../../compute-unit/kept/checkpoints.ts'
import type { SnapshotDelta } from '../../compute-unit/evaluation/index.ts'
import { asModuleId, asProcessId } from '../../protocol/index.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { MemoryStore } from '../fakes/memory-store.ts'

const P = asProcessId(fakeId(1))
const Q = asProcessId(fakeId(2))
const M = asModuleId(fakeId(3))

interface State {
  readonly since: number
  readonly chunks: Map<number, Uint8Array>
  readonly cells: Map<string, Uint8Array>
}

const chunk = (fill: number): Uint8Array => new Uint8Array(16).fill(fill)

function delta(
  slots: number,
  chunks: SnapshotDelta['chunks'],
  cells: SnapshotDelta['cells'],
  since = 0,
): SnapshotDelta {
  const hash = chunk(slots % 256)
  return {
    slots,
    module: M,
    since,
    pages: slots,
    engine: hash,
    logHash: hash,
    stateRoot: hash,
    chunks,
    cells,
  }
}

const asState = (read: {
  since: number
  chunks: ReadonlyMap<number, Uint8Array>
  cells: readonly (readonly [string, Uint8Array])[]
}): State => ({
  since: read.since,
  chunks: new Map([...read.chunks].sort(([a], [b]) => a - b)),
  cells: new Map([...read.cells].sort(([a], [b]) => (a < b ? -1 : 1))),
})

const NOTHING = (): State => ({ since: 0, chunks: new Map(), cells: new Map() })

const copyOf = (state: State): State => ({
  since: state.since,
  chunks: new Map([...state.chunks].sort(([a], [b]) => a - b)),
  cells: new Map([...state.cells].sort(([a], [b]) => (a < b ? -1 : 1))),
})

const cellName = fc.constantFrom(
  '',
  'a',
  'a\u0000\u0000\u0000\u0000\u0000\u0000\u0000',
  'a\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0001',
  'b',
  'ab',
  '\u00ff',
)
const change = fc.record({
  chunks: fc.array(fc.tuple(fc.nat(5), fc.nat(255)), { maxLength: 4 }),
  cells: fc.array(fc.tuple(cellName, fc.option(fc.uint8Array({ maxLength: 2 }), { nil: undefined })), { maxLength: 4 }),
  slots: fc.integer({ min: 1, max: 300 }),
  /** Another module took over: memory begins anew. */
  isUpgraded: fc.boolean(),
})
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('write' as const), change }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const), back: fc.nat(5) }) },
)

describe('checkpoints', () => {
  it('give back every state that was written, as long as it is listed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async steps => {
        const checkpoints = new Checkpoints(new MemoryStore())
        await checkpoints.write(Q, 1, delta(1, new Map([[0, chunk(9)]]), [['q', chunk(1)]]))
        let state: State = NOTHING()
        let slots = 0
        const written = new Map<number, State>()
        for (const one of steps) {
          if (one.kind === 'write') {
            const before = slots
            slots += one.change.slots
            if (one.change.isUpgraded) state = { ...state, since: before + 1, chunks: new Map() }
            const chunks = new Map(one.change.chunks.map(([index, fill]) => [index, chunk(fill)]))
            for (const [index, bytes] of chunks) state.chunks.set(index, bytes)
            const cells = [...new Map(one.change.cells)]
            for (const [name, value] of cells) {
              if (value === undefined) state.cells.delete(name)
              else state.cells.set(name, value)
            }
            await checkpoints.write(P, slots, delta(slots, chunks, cells, state.since))
            written.set(slots, copyOf(state))
          } else {
            const heads = await checkpoints.list(P)
            const head = heads.at(-1 - one.back)
            await checkpoints.dropAfter(P, head?.slots ?? 0)
            slots = head?.slots ?? 0
            state = copyOf(written.get(slots) ?? NOTHING())
          }
          const heads = await checkpoints.list(P)
          expect(heads.at(-1)?.slots ?? 0).toBe(slots)
          expect(heads.length).toBeLessThan(8)
          for (const head of heads) {
            const read = await checkpoints.read(P, head.slots)
            expect(read?.isNewest).toBe(head === heads.at(-1))
            expect(read && asState(read)).toEqual(written.get(head.slots))
            expect(read?.blocks).toBe(head.blocks)
          }
        }
        expect((await checkpoints.read(Q, 1))?.cells).toEqual([['q', chunk(1)]])
      }),
      { numRuns: 60 },
    )
  })

  it('keep no mark of a cell that was deleted long ago', async () => {
    const store = new MemoryStore()
    const checkpoints = new Checkpoints(store)
    for (let at = 1; at <= 60; at++) {
      const cells: [string, Uint8Array | undefined][] = [[`cell ${at}`, chunk(1)]]
      if (at > 1) cells.push([`cell ${at - 1}`, undefined])
      await checkpoints.write(P, at, delta(at, new Map(), cells))
    }
    const held = await Array.fromAsync(store.range({ gte: new Uint8Array(0), lt: new Uint8Array(64).fill(255) }))
    expect(held.length).toBeLessThan(40)
    expect((await checkpoints.read(P, 60))?.cells).toEqual([['cell 60', chunk(1)]])
  })

  it('are listed once, and then when old ones go', async () => {
    const store = new MemoryStore()
    const range = vi.spyOn(store, 'range')
    const listed = (): number =>
      range.mock.calls.filter(([{ gte }]) => Buffer.from(gte).includes('compute/checkpoint/')).length
    const checkpoints = new Checkpoints(store)
    for (let at = 1; at <= 40; at++) await checkpoints.write(P, at, delta(at, new Map(), []))
    // Eight at first, and then each four of them.
    expect(listed()).toBe(1 + 9)
    expect((await checkpoints.list(P)).map(({ slots }) => slots)).toEqual([37, 38, 39, 40])
  })

  it('pass over a damaged list entry', async () => {
    const store = new MemoryStore()
    const checkpoints = new Checkpoints(store)
    for (const at of [1, 2, 3]) await checkpoints.write(P, at, delta(at, new Map(), []))
    const prefix = Buffer.from('compute/checkpoint/')
    const entries = await Array.fromAsync(store.range({ gte: prefix, lt: Buffer.from('compute/checkpoint0') }))
    const [first, second] = entries
    if (first === undefined || second === undefined) throw new TypeError('expected entries')
    store.write([
      { key: second.key, value: new Uint8Array(3) },
      { key: first.key, value: second.value },
    ])
    expect((await checkpoints.list(P)).map(({ slots }) => slots)).toEqual([3])
    expect(await checkpoints.read(P, 2)).toBeUndefined()
  })
})
