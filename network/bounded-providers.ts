import type { KadDHTComponents } from '@libp2p/kad-dht'

/** Digits of what a record is about: names here are hashes of 32 bytes. */
const NAME_MAX_DIGITS = 64

type Store = Pick<KadDHTComponents['datastore'], 'put' | 'delete'>
type Key = Parameters<Store['put']>[0]

export interface ProviderBounds {
  /** Where the records of the table stand. */
  readonly table: string
  /** The peer id of this node. */
  readonly own: string
  readonly max: number
}

/**
 * Keeps the table of who has what in bounds: libp2p keeps for two days whatever anybody says that he has, by names as long as a message.
 *
 * 1. When there are too many, the oldest of whoever said most is forgotten.
 * 2. What this node says of itself stays: libp2p reads there what it has to say again.
 */
export function boundProviders(store: Store, { table, own, max }: ProviderBounds): void {
  const said = new Map<string, Map<string, Key>>()
  let count = 0
  const [put, remove] = [store.put.bind(store), store.delete.bind(store)]
  const forget = (provider: string, text: string): void => {
    const keys = said.get(provider)
    if (keys?.delete(text) !== true) return
    count -= 1
    if (keys.size === 0) said.delete(provider)
  }
  store.delete = (key, options) => {
    const text = key.toString()
    forget(recordOf(text, table)?.provider ?? '', text)
    return remove(key, options)
  }
  store.put = (key, value, options) => {
    const text = key.toString()
    const record = recordOf(text, table)
    if (record === undefined || record.provider === own) return put(key, value, options)
    if (record.name.length > NAME_MAX_DIGITS) throw new RangeError('a record about what has no name here')
    forget(record.provider, text)
    const keys = said.get(record.provider) ?? new Map<string, Key>()
    said.set(record.provider, keys.set(text, key))
    count += 1
    if (count > max) {
      const most = said.values().reduce((a, b) => (b.size > a.size ? b : a))
      for (const oldest of most.values().take(1)) void store.delete(oldest)
    }
    return put(key, value, options)
  }
}

/** What a key of the store stands for: who says that he has what. */
function recordOf(key: string, table: string): { readonly name: string; readonly provider: string } | undefined {
  const start = `${table}/provider/`
  const [name, provider] = key.startsWith(start) ? key.slice(start.length).split('/') : []
  return name === undefined || provider === undefined ? undefined : { name, provider }
}
