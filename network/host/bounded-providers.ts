import type { KadDHTComponents } from '@libp2p/kad-dht'

/** Digits of what a record is about: names here are hashes of 32 bytes. */
const NAME_MAX_DIGITS = 64

type Store = Pick<KadDHTComponents['datastore'], 'put' | 'delete' | 'query'>
type Key = Parameters<Store['put']>[0]
type Entry = { readonly key: Key; readonly value: Uint8Array }

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
 * 1. When there are too many, whoever has more than an equal part forgets the oldest of what he said; for whoever has not, whoever said most does.
 * 2. What this node says of itself stays: libp2p reads there what it has to say again.
 * 3. Who says that he has something is looked up by its name: libp2p looks through all that it keeps, peers included, whenever anybody asks.
 */
export function boundProviders(store: Store, { table, own, max }: ProviderBounds): void {
  const [byProvider, byName] = [new Groups<Key>(), new Groups<Entry>()]
  const [put, remove, query] = [store.put.bind(store), store.delete.bind(store), store.query.bind(store)]
  let count = 0
  const forget = (text: string): void => {
    const record = recordOf(text, table)
    if (record === undefined) return
    byName.delete(record.name, text)
    if (byProvider.delete(record.provider, text)) count -= 1
  }
  const makeRoom = async (provider: string): Promise<void> => {
    const share = Math.max(1, max / byProvider.size)
    const key = byProvider.sizeOf(provider) > share ? byProvider.oldestOf(provider) : byProvider.oldestOfLargest()
    if (key !== undefined) await store.delete(key)
  }
  store.delete = (key, options) => {
    options?.signal?.throwIfAborted()
    forget(key.toString())
    return remove(key, options)
  }
  store.put = (key, value, options) => {
    options?.signal?.throwIfAborted()
    const text = key.toString()
    const record = recordOf(text, table)
    if (record === undefined) return put(key, value, options)
    if (record.name.length > NAME_MAX_DIGITS) throw new RangeError('a record about what has no name here')
    forget(text)
    byName.add(record.name, text, { key, value })
    if (record.provider !== own) {
      byProvider.add(record.provider, text, key)
      count += 1
    }
    if (count > max) makeRoom(record.provider).catch(() => undefined)
    return put(key, value, options)
  }
  store.query = (asked, options) => {
    const { prefix = '', ...more } = asked
    const [name = '', ...rest] = prefix.startsWith(`${table}/provider/`) ? prefix.split('/').slice(3) : []
    return name === '' || rest.length > 0 || Object.keys(more).length > 0
      ? query(asked, options)
      : ([...byName.of(name)] as Iterable<Entry> as ReturnType<Store['query']>)
  }
}

/** Values by two names, those of a group in the order in which they came. */
class Groups<Value> {
  readonly #groups = new Map<string, Map<string, Value>>()

  add(group: string, name: string, value: Value): void {
    const values = this.#groups.get(group) ?? new Map<string, Value>()
    this.#groups.set(group, values.set(name, value))
  }

  delete(group: string, name: string): boolean {
    const values = this.#groups.get(group)
    const wasThere = values?.delete(name) === true
    if (values?.size === 0) this.#groups.delete(group)
    return wasThere
  }

  of(group: string): Iterable<Value> {
    return this.#groups.get(group)?.values() ?? []
  }

  get size(): number {
    return this.#groups.size
  }

  sizeOf(group: string): number {
    return this.#groups.get(group)?.size ?? 0
  }

  oldestOf(group: string): Value | undefined {
    return this.#groups.get(group)?.values().next().value
  }

  oldestOfLargest(): Value | undefined {
    let largest: Map<string, Value> | undefined
    for (const values of this.#groups.values()) if (values.size > (largest?.size ?? 0)) largest = values
    return largest?.values().next().value
  }
}

/** What a key of the store stands for: who says that he has what. */
function recordOf(key: string, table: string): { readonly name: string; readonly provider: string } | undefined {
  const start = `${table}/provider/`
  const [name, provider] = key.startsWith(start) ? key.slice(start.length).split('/') : []
  return name === undefined || provider === undefined ? undefined : { name, provider }
}
