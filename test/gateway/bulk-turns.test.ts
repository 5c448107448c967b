import { expect, test } from 'vitest'
import { BulkTurns } from '../../gateway/bulk-turns.ts'
import type { Clock } from '../../protocol/index.ts'

const LARGE = 1024 * 1024

/** A clock whose sleeps end when the test says so. */
function heldClock() {
  const sleeping = new Set<() => void>()
  const clock: Clock = {
    now: () => 0,
    sleep: (_ms, { signal } = {}) =>
      new Promise((resolve, reject) => {
        sleeping.add(resolve)
        signal?.addEventListener('abort', () => {
          sleeping.delete(resolve)
          reject(signal.reason)
        })
      }),
  }
  const pass = (): void => {
    for (const wake of sleeping) wake()
  }
  return { clock, pass, sleeping }
}

/** Requests that end when the test says so, and which of them have begun. */
function requests(turns: BulkTurns) {
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const ask = (name: string, bytes = LARGE, signal?: AbortSignal): Promise<string> =>
    turns.take(
      bytes,
      () => {
        begun.push(name)
        return new Promise<string>(resolve => ends.set(name, () => resolve(name)))
      },
      signal === undefined ? {} : { signal },
    )
  return { begun, ask, end: (name: string): void => ends.get(name)?.() }
}

const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

test('large requests begin in their order, two at once; small ones never wait', async () => {
  const { clock, sleeping } = heldClock()
  const { begun, ask, end } = requests(new BulkTurns(clock))
  const asked = ['a', 'b', 'c', 'd'].map(name => ask(name))
  void ask('small', 1000)
  await settled()
  expect(begun.toSorted()).toEqual(['a', 'b', 'small'])
  end('b')
  expect(await asked[1]).toBe('b')
  await settled()
  expect(begun.slice(3)).toEqual(['c'])
  for (const name of ['a', 'c']) end(name)
  await settled()
  end('d')
  expect(await Promise.all(asked)).toEqual(['a', 'b', 'c', 'd'])
  expect(sleeping.size).toBe(0)
})

test('what takes too long is no longer waited for, and gives its turn away once', async () => {
  const { clock, pass } = heldClock()
  const { begun, ask, end } = requests(new BulkTurns(clock))
  for (const name of ['a', 'b', 'c', 'd', 'e']) void ask(name)
  await settled()
  pass()
  await settled()
  expect(begun).toEqual(['a', 'b', 'c', 'd'])
  end('a')
  await settled()
  expect(begun).toEqual(['a', 'b', 'c', 'd'])
  end('c')
  await settled()
  expect(begun.at(-1)).toBe('e')
})

test('whoever gives up while waiting is told, and takes nobody else’s turn', async () => {
  const { clock } = heldClock()
  const { begun, ask, end } = requests(new BulkTurns(clock))
  const gone = new AbortController()
  for (const name of ['a', 'b']) void ask(name)
  const waiting = ask('c', LARGE, gone.signal)
  void ask('d')
  await settled()
  gone.abort(new Error('gone'))
  await expect(waiting).rejects.toThrow('gone')
  end('a')
  await settled()
  expect(begun).toEqual(['a', 'b', 'd'])
})

test('a request that fails passes its turn on', async () => {
  const turns = new BulkTurns(heldClock().clock)
  const fails = Array.from({ length: 5 }, () => turns.take(LARGE, () => Promise.reject(new Error('bad'))))
  for (const failed of fails) await expect(failed).rejects.toThrow('bad')
  expect(await turns.take(LARGE, async () => 1)).toBe(1)
})
