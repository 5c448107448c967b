import { describe, expect, it } from 'vitest'
import {
  type CanisterOutput,
  encodeCanisterOutput,
  encodeCompositeCalls,
  QUERY_ANSWERS_MAX_BYTES,
  runCompositeQuery,
  toUtf8,
} from '../../protocol/index.ts'

const MIB = 1024 * 1024
const callee = new Uint8Array(10)
const call = (method: string) => ({ callee, method, arg: toUtf8('') })
const reply = (bytes: number) =>
  encodeCanisterOutput({ answers: [[new Uint8Array(0), { reply: new Uint8Array(bytes) }]], changed: false })

/** Canisters whose methods say what they do: `big` answers with 3 MiB; others ask what is listed, and answer with so many bytes. */
function asked(programs: Readonly<Record<string, readonly [asks: readonly string[], bytes: number]>>) {
  const counts: Record<string, number> = {}
  const ask = async ({ method }: { method: string }, _data: Uint8Array, answers: number): Promise<Uint8Array> => {
    if (answers === 0) counts[method] = (counts[method] ?? 0) + 1
    const [asks, bytes] = programs[method] ?? [[], 3 * MIB]
    return answers < asks.length ? encodeCompositeCalls(asks.slice(answers).map(call)) : reply(bytes)
  }
  return { counts, ask }
}

const errorOf = ({ answers: [first] }: CanisterOutput): string | undefined => first?.[1].reject?.error
const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value)

describe('a composite query', () => {
  it('asks nobody any more once it was answered with more than it may be told', async () => {
    const { counts, ask } = asked({ all: [times(300, 'big'), 1] })
    expect(errorOf(await runCompositeQuery(call('all'), ask))).toBe('IC0526')
    expect(counts['big']).toBe(6)
  })

  it('holds no more because those that it asks hold something, too', async () => {
    const { counts, ask } = asked({ all: [['big', 'big', 'big', 'inner'], 1], inner: [times(9, 'big'), 1] })
    const output = await runCompositeQuery(call('all'), ask)
    // The inner one is refused, which is an answer like any other.
    expect(errorOf(output)).toBeUndefined()
    expect(counts['big']).toBe(3 + 3)
  })

  it('may read much, piece by piece, when those that it asks answer little', async () => {
    const { counts, ask } = asked({ all: [times(8, 'inner'), 5], inner: [times(4, 'big'), 1] })
    const { answers } = await runCompositeQuery(call('all'), ask)
    expect(answers[0]?.[1].reply).toHaveLength(5)
    expect((counts['big'] ?? 0) * 3 * MIB).toBeGreaterThan(2 * QUERY_ANSWERS_MAX_BYTES)
  })

  it('has its argument counted too, in what it is told', async () => {
    const { ask } = asked({ all: [times(5, 'big'), 1] })
    expect(errorOf(await runCompositeQuery(call('all'), ask))).toBeUndefined()
    const large = { ...call('all'), arg: new Uint8Array(2 * MIB) }
    expect(errorOf(await runCompositeQuery(large, ask))).toBe('IC0526')
  })
})
