import { describe, expect, it } from 'vitest'
import { KnownKeys, type KnownKeysParts } from '../../log/feeds/known-keys.ts'
import { compareBytes, sha256, toUtf8 } from '../../protocol/index.ts'

const keyOf = (n: number): Uint8Array => Buffer.concat([toUtf8('k/'), sha256(toUtf8(`${n}`))])

/** A database of so many keys, which counts those it gives. */
class PaperStore implements Pick<KnownKeysParts['store'], 'range'> {
  readonly keys: Uint8Array[]
  given = 0
  isBroken = false

  constructor(count: number) {
    this.keys = Array.from({ length: count }, (_, n) => keyOf(n)).sort(compareBytes)
  }

  async *range({ gte, lt, limit = Number.POSITIVE_INFINITY }: Parameters<KnownKeysParts['store']['range']>[0]) {
    if (this.isBroken) throw new Error('disk')
    const keys = this.keys.filter(key => compareBytes(key, gte) >= 0 && compareBytes(key, lt) < 0)
    for (const key of keys.slice(0, limit)) {
      this.given += 1
      yield { key, value: new Uint8Array(0) }
    }
  }
}

const open = (store: PaperStore): KnownKeys => new KnownKeys({ store, gte: toUtf8('k/'), lt: toUtf8('k0') })
const rest = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Asks until it may answer. */
async function untilComplete(known: KnownKeys, max: number): Promise<number> {
  for (let asked = 0; asked < max; asked++) {
    if (known.lacks(toUtf8('k/never'))) return asked
    await rest()
  }
  return max
}

describe('a filter over the keys of a store', () => {
  it('knows them all at once, if they are few, and is sure of what it lacks only', async () => {
    const store = new PaperStore(3_000)
    const known = open(store)
    expect(known.lacks(keyOf(5_000))).toBe(false)
    await untilComplete(known, 100)
    const strangers = Array.from({ length: 1_000 }, (_, n) => known.lacks(keyOf(10_000 + n)))
    expect(strangers.filter(lacks => lacks).length).toBeGreaterThan(900)
    for (const key of store.keys) expect(known.lacks(key)).toBe(false)
    expect(known.add(keyOf(20_000))).toBe(true)
    expect(known.lacks(keyOf(20_000))).toBe(false)
    expect(known.add(keyOf(20_000))).toBe(false)
    await known.close()
  })

  it('does not look at the keys of a large store for a node that nobody asks anything', async () => {
    const store = new PaperStore(50_000)
    const known = open(store)
    for (let turn = 0; turn < 50; turn++) await rest()
    expect(store.given).toBeLessThanOrEqual(4_096)
    await known.close()
  })

  it('looks at them as far as they are missed, and knows them all in the end', async () => {
    const store = new PaperStore(20_000)
    const known = open(store)
    const asked = await untilComplete(known, 20_000)
    expect(asked).toBeGreaterThan(5_000)
    expect(asked).toBeLessThan(20_000)
    expect(store.given).toBe(20_000)
    for (const key of store.keys.slice(0, 2_000)) expect(known.lacks(key)).toBe(false)
    await known.close()
  })

  it('knows what is added behind the place that it has come to', async () => {
    const store = new PaperStore(20_000)
    const known = open(store)
    await rest()
    const added = Array.from({ length: 100 }, (_, n) => keyOf(30_000 + n))
    for (const key of added) expect(known.add(key)).toBe(false)
    await untilComplete(known, 20_000)
    for (const key of added) expect(known.lacks(key)).toBe(false)
    await known.close()
  })

  it('is never sure where the keys cannot be read', async () => {
    const store = new PaperStore(10)
    store.isBroken = true
    const known = open(store)
    expect(await untilComplete(known, 2_000)).toBe(2_000)
    await known.close()
  })
})
