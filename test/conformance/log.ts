import { expect, test } from 'vitest'
import {
  asKeyId,
  asMessageId,
  asProcessId,
  describeSpawnItem,
  ed25519PublicKey,
  encodeEnvelope,
  Failure,
  type FeedSpec,
  type Log,
  type MessageId,
  type NewBlock,
  type ProcessId,
  sha256,
  signDataItemSync,
  toBase64Url,
  toUtf8,
} from '../../protocol/index.ts'

/** The node whose log is tested must hold this seed. */
export const NODE_SEED = sha256(toUtf8('node'))
export const NODE_KEY = asKeyId(toBase64Url(ed25519PublicKey(NODE_SEED)))

export const processNamed = (name: string): ProcessId => asProcessId(toBase64Url(sha256(toUtf8(`process ${name}`))))
export const messageNamed = (name: string): MessageId => asMessageId(toBase64Url(sha256(toUtf8(`message ${name}`))))

export function messagesOf(name: string): FeedSpec {
  return { kind: 'messages', process: processNamed(name), epoch: 0, signers: [NODE_KEY], quorum: 1 }
}

export function resultsOf(name: string): FeedSpec {
  return { ...messagesOf(name), kind: 'results' }
}

/** A block of one message whose bytes tell feed and index. */
export function blockOf(feed: FeedSpec, index: number, text = ''): NewBlock {
  const bytes = toUtf8(`${feed.process}/${index}/${text}`)
  return { feed, index, firstSlot: index, bytes, ids: [messageNamed(`${feed.process}/${index}`)] }
}

/** A spawn message, its process and the encoded envelope of slot 0. */
export function spawnNamed(name: string): {
  description: ReturnType<typeof describeSpawnItem>
  envelope: Uint8Array
  item: Uint8Array
} {
  const tags = [
    { name: 'Data-Protocol', value: 'ao' },
    { name: 'Type', value: 'Process' },
    { name: 'Module', value: processNamed('module') },
    { name: 'Scheduler', value: NODE_KEY },
  ]
  const item = signDataItemSync({ tags, data: name }, NODE_SEED)
  return {
    description: describeSpawnItem(item),
    envelope: encodeEnvelope({ kind: 'item', item: item.bytes }),
    item: item.bytes,
  }
}

/** A signed module item. */
export function moduleNamed(name: string): ReturnType<typeof signDataItemSync> {
  const tags = [
    { name: 'Data-Protocol', value: 'ao' },
    { name: 'Type', value: 'Module' },
    { name: 'Module-Format', value: 'actor' },
  ]
  return signDataItemSync({ tags, data: `wasm of ${name}` }, NODE_SEED)
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** What every log must do. `open` gives an empty one. */
export function logConformance(open: () => Promise<Log>): void {
  test('a committed block is readable at once and stands where it was put', async () => {
    await using log = await open()
    const feed = messagesOf('a')
    await log.commit([blockOf(feed, 0), blockOf(feed, 1)])
    expect(await log.length(feed)).toBe(2)
    expect(await log.block(feed, 1)).toEqual(blockOf(feed, 1).bytes)
    expect(await log.block(feed, 2)).toBeUndefined()
  })

  test('an unknown feed is empty', async () => {
    await using log = await open()
    expect(await log.length(messagesOf('none'))).toBe(0)
    expect(await log.block(messagesOf('none'), 0)).toBeUndefined()
    expect(await collect(log.blocks(messagesOf('none'), 0))).toEqual([])
  })

  test('blocks are walked in order, from and to where one asks', async () => {
    await using log = await open()
    const feed = messagesOf('a')
    const blocks = Array.from({ length: 300 }, (_, index) => blockOf(feed, index))
    for (let at = 0; at < blocks.length; at += 50) await log.commit(blocks.slice(at, at + 50))
    expect(await collect(log.blocks(feed, 0))).toEqual(blocks.map(({ bytes }) => bytes))
    expect(await collect(log.blocks(feed, 10, 140))).toEqual(blocks.slice(10, 140).map(({ bytes }) => bytes))
    expect(await collect(log.blocks(feed, 290, 400))).toHaveLength(10)
  })

  test('a block that does not stand at the end of its feed is refused, and with it its whole commit', async () => {
    await using log = await open()
    const [feed, other] = [messagesOf('a'), messagesOf('b')]
    await log.commit([blockOf(feed, 0)])
    await expect(log.commit([blockOf(feed, 2)])).rejects.toSatisfy(error => Failure.is(error, 'feed-frozen'))
    await expect(log.commit([blockOf(feed, 0)])).rejects.toSatisfy(error => Failure.is(error, 'feed-frozen'))
    await expect(log.commit([blockOf(other, 0), blockOf(feed, 7)])).rejects.toSatisfy(error =>
      Failure.is(error, 'feed-frozen'),
    )
    expect(await log.length(other)).toBe(0)
    await log.commit([blockOf(other, 0), blockOf(feed, 1)])
    expect(await log.length(feed)).toBe(2)
  })

  test('many commits at once all arrive, each feed in its order', async () => {
    await using log = await open()
    const feeds = Array.from({ length: 20 }, (_, i) => messagesOf(`f${i}`))
    await Promise.all(
      feeds.map(async feed => {
        for (let index = 0; index < 5; index++) await log.commit([blockOf(feed, index)])
      }),
    )
    for (const feed of feeds) expect(await collect(log.blocks(feed, 0))).toHaveLength(5)
  })

  test('the key of a feed depends on every part of its spec and on nothing else', async () => {
    await using log = await open()
    const feed = messagesOf('a')
    const others = [
      resultsOf('a'),
      messagesOf('b'),
      { ...feed, epoch: 1 },
      { ...feed, signers: [asKeyId(processNamed('k'))] },
    ]
    const keys = [feed, ...others].map(spec => toBase64Url(log.feedKey(spec)))
    expect(new Set(keys).size).toBe(5)
    expect(toBase64Url(log.feedKey({ ...feed }))).toBe(keys[0])
    expect(log.feedKey(feed)).toHaveLength(32)
  })

  test('results may be appended again where they are equal, and nowhere else', async () => {
    await using log = await open()
    const feed = resultsOf('a')
    const [x, y, z] = [toUtf8('x'), toUtf8('y'), toUtf8('z')]
    await log.append(feed, 0, [x, y])
    await log.append(feed, 1, [y, z])
    expect(await collect(log.blocks(feed, 0))).toEqual([x, y, z])
    await expect(log.append(feed, 5, [x])).rejects.toSatisfy(error => Failure.is(error, 'feed-frozen'))
    await expect(log.append(feed, 1, [z])).rejects.toSatisfy(error => Failure.is(error, 'feed-frozen'))
    expect(await collect(log.blocks(feed, 0))).toEqual([x, y, z])
  })

  test('messages are found by process and id; one that stands twice by its first slot', async () => {
    await using log = await open()
    const [a, b] = [messagesOf('a'), messagesOf('b')]
    const [one, two, three] = [messageNamed('1'), messageNamed('2'), messageNamed('3')]
    await log.commit([{ feed: a, index: 0, firstSlot: 0, bytes: toUtf8('frame'), ids: [one, two] }])
    await log.commit([{ feed: a, index: 1, firstSlot: 2, bytes: toUtf8('frame'), ids: [two, three] }])
    await log.commit([{ feed: b, index: 0, firstSlot: 0, bytes: toUtf8('frame'), ids: [two] }])
    expect(await log.messages.slotOf(a.process, two)).toBe(1)
    expect(await log.messages.slotsOf(a.process, [three, messageNamed('4'), one, two])).toEqual([3, undefined, 0, 1])
    expect(await log.messages.slotOf(b.process, one)).toBeUndefined()
    const places = await log.messages.placesOf(two)
    expect(places.toSorted((x, y) => x.slot - y.slot)).toEqual([
      { process: b.process, slot: 0 },
      { process: a.process, slot: 1 },
    ])
    expect(await log.messages.placesOf(messageNamed('4'))).toEqual([])
  })

  test('processes are known by their spawn envelope and listed by id, page by page', async () => {
    await using log = await open()
    const spawns = Array.from({ length: 25 }, (_, i) => spawnNamed(`p${i}`))
    for (const { description, envelope } of [...spawns, ...spawns.slice(0, 3)]) {
      await log.directory.addProcess(description, envelope)
    }
    const [first] = spawns
    if (first === undefined) throw new Error('no spawns')
    expect(await log.directory.process(first.description.id)).toEqual(first.description)
    expect(await log.directory.spawnEnvelope(first.description.id)).toEqual(first.envelope)
    expect(await log.directory.process(processNamed('none'))).toBeUndefined()
    const listed: string[] = []
    for (let after: ProcessId | undefined; ; after = asProcessId(listed.at(-1) ?? '')) {
      const page = await log.directory.processes({ after, limit: 10 })
      listed.push(...page.map(({ id }) => id))
      if (page.length < 10) break
    }
    const hex = (id: string): string => Buffer.from(id, 'base64url').toString('hex')
    const expected = spawns.map(({ description }) => description.id).toSorted((x, y) => (hex(x) < hex(y) ? -1 : 1))
    expect(listed).toEqual(expected)
  })

  test('modules are kept whole and listed without their wasm', async () => {
    await using log = await open()
    const items = [moduleNamed('x'), moduleNamed('y'), moduleNamed('z')]
    for (const item of [...items, ...items.slice(0, 1)]) await log.directory.addModule(item)
    const [item] = items
    if (item === undefined) throw new Error('no items')
    const id = (await log.directory.addModule(item)).id
    expect(await log.directory.moduleItem(id)).toEqual(item.bytes)
    expect(Buffer.from((await log.directory.module(id))?.wasm ?? []).toString()).toBe('wasm of x')
    const page = await log.directory.modules({ limit: 2 })
    const rest = await log.directory.modules({ after: page[1]?.id, limit: 2 })
    expect(new Set([...page, ...rest].map(module => module.id))).toEqual(new Set(items.map(each => each.id)))
    expect(page[0]).not.toHaveProperty('wasm')
    expect(page[0]?.format).toBe('actor')
  })

  test('the store shows writes at once, deletes too, and walks keys in order both ways', async () => {
    await using log = await open()
    const { store } = log
    const key = (text: string): Uint8Array => toUtf8(`test/${text}`)
    store.write(['b', 'd', 'a', 'c'].map(text => ({ key: key(text), value: toUtf8(text) })))
    await store.flush()
    store.write([
      { key: key('b'), value: undefined },
      { key: key('bb'), value: toUtf8('bb') },
      { key: key('c'), value: toUtf8('C') },
      { key: key('e'), value: toUtf8('e') },
      { key: key('e'), value: undefined },
    ])
    for (const flushed of [false, true]) {
      if (flushed) await store.flush()
      expect(await store.getMany([key('a'), key('b'), key('c'), key('e')])).toEqual([
        toUtf8('a'),
        undefined,
        toUtf8('C'),
        undefined,
      ])
      const walk = async (options: { limit?: number; reverse?: boolean }): Promise<string[]> => {
        const pairs = await collect(store.range({ gte: key('a'), lt: key('d'), ...options }))
        return pairs.map(pair => Buffer.from(pair.value).toString())
      }
      expect(await walk({})).toEqual(['a', 'bb', 'C'])
      expect(await walk({ reverse: true })).toEqual(['C', 'bb', 'a'])
      expect(await walk({ limit: 2 })).toEqual(['a', 'bb'])
      expect(await walk({ limit: 2, reverse: true })).toEqual(['C', 'bb'])
    }
    expect(await collect(store.range({ gte: key('d'), lt: key('a') }))).toEqual([])
  })
}
