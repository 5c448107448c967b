/** What we use of packages that bring no declarations; checked against the pinned versions. */
declare module 'hypercore' {
  export interface HypercoreManifest {
    readonly version: 2
    readonly hash: 'blake2b'
    readonly allowPatch: false
    readonly quorum: number
    readonly signers: readonly {
      readonly signature: 'ed25519'
      readonly publicKey: Uint8Array
      readonly namespace?: Uint8Array
    }[]
    readonly userData: Uint8Array
  }
  export interface HypercoreKeyPair {
    readonly publicKey: Uint8Array
    readonly secretKey: Uint8Array
  }
  export default class Hypercore {
    readonly length: number
    readonly fork: number
    readonly key: Uint8Array
    readonly closed: boolean
    readonly closing: Promise<void> | null
    /** The core below all sessions; `header` and `gc` are not public, see OpenFeeds. */
    readonly core: {
      gc: number
      /** Length and signature belong together. */
      readonly state: { readonly length: number; readonly signature: Uint8Array | null }
      readonly header: { readonly frozen: boolean; readonly hints: { recovering: number } }
    }
    ready(): Promise<void>
    close(): Promise<void>
    append(
      blocks: readonly Uint8Array[],
      options: { keyPair: HypercoreKeyPair },
    ): Promise<{ length: number }>
    get(index: number, options: { wait: false }): Promise<Uint8Array | null>
    getUserData(key: string): Promise<Uint8Array | null>
    setUserData(key: string, value: Uint8Array): Promise<void>
    static key(manifest: HypercoreManifest): Uint8Array
    static discoveryKey(key: Uint8Array): Uint8Array
  }
}

declare module 'hypercore-storage' {
  import type { HypercoreManifest } from 'hypercore'
  import type RocksDB from 'rocksdb-native'
  export default class HypercoreStorage {
    constructor(db: string | RocksDB, options?: { allowBackup?: boolean; writeBufferSize?: number })
    /** The session on the column family that holds everything; `flush` of the storage itself misses it. */
    readonly db: RocksDB
    readonly rocks: RocksDB
    ready(): Promise<void>
    close(): Promise<void>
    getAuth(discoveryKey: Uint8Array): Promise<{ manifest: HypercoreManifest | null } | null>
    getInfos(
      discoveryKeys: readonly Uint8Array[],
      options: { auth: boolean; head: boolean; hints: boolean },
    ): Promise<readonly ({ head: { length: number; fork: number } | null } | null)[]>
  }
}

declare module 'corestore' {
  import type { Duplex } from 'node:stream'
  import type Hypercore from 'hypercore'
  import type { HypercoreKeyPair, HypercoreManifest } from 'hypercore'
  import type HypercoreStorage from 'hypercore-storage'
  export default class Corestore {
    constructor(
      storage: HypercoreStorage,
      options?: { manifestVersion?: number; primaryKey?: Uint8Array; unsafe?: boolean },
    )
    ready(): Promise<void>
    close(): Promise<void>
    get(options: {
      name?: string
      key?: Uint8Array
      manifest?: HypercoreManifest
      keyPair?: HypercoreKeyPair
      allowFork?: boolean
      createIfMissing?: boolean
    }): Hypercore
    list(): AsyncIterable<Uint8Array>
    replicate(isInitiatorOrStream: boolean | Duplex): Duplex
  }
}

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
  export default class RocksDB {
    constructor(path: string, options?: { writeBufferSize?: number })
    readonly snapshotted: boolean
    readonly defaultColumnFamily: unknown
    ready(): Promise<void>
    close(options?: { force?: boolean }): Promise<void>
    /** Memtable to sorted files, with fsync, of this session's column family only. */
    flush(): Promise<void>
    /** All sessions, those of column families and snapshots too, are made by this. */
    session: (options?: object) => RocksDB
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
