/** What we use of databases that bring no declarations; checked against the pinned versions. */
declare module 'hyperbee' {
  import type Hypercore from 'hypercore'
  export interface HyperbeeEntry {
    readonly key: Uint8Array
    readonly value: Uint8Array
  }
  export interface HyperbeeBatch {
    put(key: Uint8Array, value: Uint8Array): Promise<void>
    flush(): Promise<void>
  }
  export default class Hyperbee {
    constructor(core: Hypercore, options: { keyEncoding: 'binary'; valueEncoding: 'binary' })
    /** Parsed nodes and keys of the tree, by number of entries; not public, see ProcessDirectory. */
    readonly _nodeCache: { readonly keys: { maxSize: number } }
    readonly _keyCache: { readonly keys: { maxSize: number } }
    ready(): Promise<void>
    close(): Promise<void>
    get(key: Uint8Array): Promise<HyperbeeEntry | null>
    batch(): HyperbeeBatch
    createReadStream(range: { gt?: Uint8Array; limit?: number }): AsyncIterable<HyperbeeEntry>
  }
}

declare module 'rocksdb-native' {
  export interface RocksReadBatch {
    get(key: Uint8Array): Promise<Uint8Array | null>
    tryFlush(): void
    destroy(): void
  }
  export interface RocksWriteBatch {
    tryPut(key: Uint8Array, value: Uint8Array): void
    tryDelete(key: Uint8Array): void
    tryDeleteRange(start: Uint8Array, end: Uint8Array): void
    flush(): Promise<void>
    destroy(): void
  }
  interface ColumnFamilyOptions {
    readonly writeBufferSize?: number
    readonly tableBlockSize?: number
    readonly tableCacheIndexAndFilterBlocks?: boolean
    readonly optimizeFiltersForHits?: boolean
  }
  export interface ColumnFamily {
    readonly name: string
    /** Not public, see `withDatabaseMemory`. */
    readonly _options: ColumnFamilyOptions
    destroy(): void
  }
  export default class RocksDB {
    static readonly ColumnFamily: new (
      name: string,
      options: ColumnFamilyOptions,
    ) => ColumnFamily
    constructor(path: string, options?: ColumnFamilyOptions & { readonly createIfMissing?: boolean })
    readonly snapshotted: boolean
    readonly defaultColumnFamily: unknown
    ready(): Promise<void>
    close(options?: { force?: boolean }): Promise<void>
    /** Memtable to sorted files, with fsync, of this session's column family only. */
    flush(): Promise<void>
    /** All sessions, those of column families and snapshots too, are made by this. */
    session: (options?: object) => RocksDB
    columnFamily: (family: ColumnFamily, options?: object) => RocksDB
    read: (options: { autoDestroy: true; capacity?: number }) => RocksReadBatch
    write: (options: { autoDestroy: true; capacity?: number }) => RocksWriteBatch
    iterator(range: {
      gte: Uint8Array
      lt: Uint8Array
      reverse?: boolean
      limit?: number
      capacity?: number
      values?: boolean
    }): AsyncIterable<{ key: Uint8Array; value: Uint8Array }>
  }
}
