import type { AbortOptions } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { boundProviders } from '../../network/host/bounded-providers.ts'
import { DHT_PROTOCOL } from '../../network/host/services.ts'
import { concatBytes } from '../../protocol/index.ts'
import { loneHost } from './lone-host.ts'

type Store = Parameters<typeof boundProviders>[0]

/** A store that holds what it is given, and whose table of providers is bounded. */
function table(max: number, removal?: () => Promise<void>) {
  const held = new Set<string>()
  const store = {
    put: (key: unknown, _: unknown, options?: AbortOptions) => {
      options?.signal?.throwIfAborted()
      held.add(String(key))
    },
    delete: (key: unknown, options?: AbortOptions) => {
      options?.signal?.throwIfAborted()
      return removal ? removal() : void held.delete(String(key))
    },
    query: () => {
      searches += 1
      return [...held].map(text => ({ key: text, value: new Uint8Array(1) }))
    },
  } as unknown as Store
  let searches = 0
  boundProviders(store, { table: '/dht', own: 'me', max })
  const key = (text: string) => text as unknown as Parameters<Store['put']>[0]
  return {
    held,
    put: (text: string, signal?: AbortSignal) => store.put(key(text), new Uint8Array(1), signal && { signal }),
    remove: (text: string, signal?: AbortSignal) => store.delete(key(text), signal && { signal }),
    found: async (prefix: string) =>
      (await Array.fromAsync(store.query({ prefix }))).map(({ key: one }) => String(one)),
    searches: () => searches,
  }
}

it('forgets the oldest of whoever says most, and nothing of this node or that is no record', () => {
  const { held, put } = table(4)
  const stay = ['/peers/a', '/dht/provider/x/me', '/dht/provider/y/me', '/dht/provider/a/few', '/dht/provider/b/few']
  for (const text of stay) put(text)
  for (let n = 0; n < 100; n++) put(`/dht/provider/${n}/many`)
  expect([...held]).toEqual([...stay, '/dht/provider/98/many', '/dht/provider/99/many'])
})

it('whoever says more than an equal part forgets what he said himself, though others have said as much', () => {
  const { held, put } = table(6)
  for (const text of ['1/many', '2/many', '3/many', '4/many', '1/few', '1/flood', '2/flood', '3/flood', '4/flood'])
    put(`/dht/provider/${text}`)
  expect([...held]).toEqual(
    ['2/many', '3/many', '4/many', '1/few', '3/flood', '4/flood'].map(text => `/dht/provider/${text}`),
  )
})

it('counts nothing that was given up before it was written or removed', () => {
  const { held, put, remove } = table(2)
  const signal = AbortSignal.abort()
  put('/dht/provider/a/one')
  for (const text of ['b/one', 'c/one']) expect(() => put(`/dht/provider/${text}`, signal)).toThrow('aborted')
  expect(() => remove('/dht/provider/a/one', signal)).toThrow('aborted')
  put('/dht/provider/b/two')
  expect([...held]).toEqual(['/dht/provider/a/one', '/dht/provider/b/two'])
  put('/dht/provider/c/three')
  expect([...held]).toEqual(['/dht/provider/b/two', '/dht/provider/c/three'])
})

it('goes on when what is forgotten cannot be removed', async () => {
  const { held, put } = table(1, () => Promise.reject(new Error('no place')))
  for (let n = 0; n < 3; n++) put(`/dht/provider/${n}/one`)
  // A rejection that nobody takes would be told of now.
  await new Promise(resolve => setImmediate(resolve))
  expect(held.size).toBe(3)
})

it('counts what is said again once, and what is gone no more', () => {
  const { held, put, remove } = table(2)
  for (let n = 0; n < 5; n++) put('/dht/provider/a/one')
  put('/dht/provider/b/two')
  for (let n = 0; n < 5; n++) remove('/dht/provider/b/two')
  put('/dht/provider/c/three')
  expect([...held]).toEqual(['/dht/provider/a/one', '/dht/provider/c/three'])
})

it('finds who has something without a look at all that is kept', async () => {
  const { put, remove, found, searches } = table(4)
  put('/peers/a')
  for (const text of ['a/one', 'a/me', 'b/one', 'c/two', 'a/two']) put(`/dht/provider/${text}`)
  expect(await found('/dht/provider/a')).toEqual(['a/one', 'a/me', 'a/two'].map(text => `/dht/provider/${text}`))
  remove('/dht/provider/a/one')
  for (let n = 0; n < 10; n++) put(`/dht/provider/${n}/two`)
  expect(await found('/dht/provider/a')).toEqual(['/dht/provider/a/me'])
  expect([await found('/dht/provider/z'), searches()]).toEqual([[], 0])
  expect((await found('/dht/provider')).length).toBe(6)
  expect(searches()).toBe(1)
})

it('a node in the table keeps what others say they have, but no name as long as a message', async () => {
  const [asked, asking] = [await loneHost(1, { dht: true, listens: true }), await loneHost(2, { dht: true })]
  const put: string[] = []
  const store = (Reflect.get(asked, 'components') as { datastore: Store }).datastore
  const write = store.put.bind(store)
  store.put = async (key, value, options) => {
    const result = await write(key, value, options)
    if (key.toString().startsWith('/dht/provider/')) put.push(key.toString())
    return result
  }
  const stream = await asking.dialProtocol(asked.getMultiaddrs()[0] as Multiaddr, DHT_PROTOCOL)
  const provider = concatBytes(
    field(1, asking.peerId.toMultihash().bytes),
    field(2, multiaddr('/ip4/127.0.0.1/tcp/9').bytes),
  )
  const say = (name: Uint8Array): void => {
    const message = concatBytes(Uint8Array.of(8, 2), field(2, name), field(9, provider))
    stream.send(concatBytes(varint(message.length), message))
  }
  say(Uint8Array.of(0x12, 0x20, ...new Uint8Array(32)))
  await expect.poll(() => put.length).toBe(1)
  say(concatBytes(Uint8Array.of(1, 0x55, 0), varint(100_000), new Uint8Array(100_000)))
  await expect.poll(() => stream.status).not.toBe('open')
  expect(put).toHaveLength(1)
})

/** Bytes as a field of protobuf. */
function field(number: number, bytes: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(number * 8 + 2), varint(bytes.length), bytes)
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return Uint8Array.of(...bytes, rest)
    bytes.push((rest & 127) | 128)
  }
}
