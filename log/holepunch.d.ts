/** What we use of packages that bring no declarations; checked against the pinned versions. */
declare module '@hyperswarm/secret-stream' {
  import type { Duplex } from 'node:stream'
  export default class NoiseSecretStream {
    constructor(isInitiator: boolean, raw: Duplex, options: { keepAlive: 0 })
    readonly destroyed: boolean
    destroy(): void
    on(event: 'error', listener: (error: Error) => void): this
    on(event: 'close', listener: () => void): this
  }
}

declare module 'hypercore' {
  import type NoiseSecretStream from '@hyperswarm/secret-stream'
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
    readonly prologue?: { readonly length: number; readonly hash: Uint8Array } | null
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
      readonly replicator: { push(index: number): Promise<void> }
      readonly header: { readonly frozen: boolean; readonly hints: { recovering: number } }
    }
    ready(): Promise<void>
    close(): Promise<void>
    append(
      blocks: readonly Uint8Array[],
      options: { keyPair: HypercoreKeyPair } | { signature: Uint8Array },
    ): Promise<{ length: number }>
    get(index: number, options: { wait: false }): Promise<Uint8Array | null>
    getUserData(key: string): Promise<Uint8Array | null>
    setUserData(key: string, value: Uint8Array): Promise<void>
    replicate(stream: NoiseSecretStream): void
    static key(manifest: HypercoreManifest): Uint8Array
    static createProtocolStream(
      stream: NoiseSecretStream,
      options: { keepAlive: false; ondiscoverykey: (discoveryKey: Uint8Array) => Promise<void> },
    ): NoiseSecretStream
    static discoveryKey(key: Uint8Array): Uint8Array
  }
}

declare module 'hypercore/lib/verifier.js' {
  import type { HypercoreKeyPair, HypercoreManifest } from 'hypercore'
  import type { MerkleTreeBatch } from 'hypercore/lib/merkle-tree.js'
  export default class Verifier {
    constructor(key: Uint8Array, manifest: HypercoreManifest)
    sign(batch: MerkleTreeBatch, keyPair: HypercoreKeyPair): Uint8Array
    verify(batch: MerkleTreeBatch, signature: Uint8Array): boolean
    static createManifest(manifest: HypercoreManifest): HypercoreManifest
  }
}

declare module 'hypercore/lib/multisig.js' {
  const multisig: {
    assemble(proofs: readonly { signer: number; signature: Uint8Array; patch: 0; nodes: null }[]): Uint8Array
  }
  export default multisig
}

declare module 'hypercore/lib/merkle-tree.js' {
  import type { CoreTX } from 'hypercore-storage/lib/tx.js'
  export interface TreeNode {
    readonly index: number
    readonly size: number
    readonly hash: Uint8Array
  }
  /** What a batch reads of the session it is made for, as far as an append needs it. */
  interface TreeEnd {
    readonly fork: 0
    readonly roots: readonly TreeNode[]
    readonly length: number
    readonly byteLength: number
    readonly signature: null
    readonly prologue: null
    readonly storage: null
    readonly core: { readonly _repairMode: false }
  }
  /** Where a node stands; it moves as nodes are joined. */
  interface TreeIterator {
    readonly factor: number
    sibling(): number
    parent(): number
  }
  export class MerkleTreeBatch {
    constructor(end: TreeEnd)
    readonly length: number
    readonly byteLength: number
    readonly roots: readonly TreeNode[]
    append(block: Uint8Array): void
    appendRoot(node: TreeNode, place: TreeIterator): void
    hash(): Uint8Array
    commit(tx: CoreTX): void
  }
  const merkleTree: {
    readonly MerkleTreeBatch: typeof MerkleTreeBatch
  }
  export default merkleTree
}

declare module 'hypercore-storage/lib/view.js' {
  /** Changes laid over a database; an empty one for reads that want none. */
  export default class View {
    readonly #changes: unknown
  }
}

declare module 'hypercore-storage/lib/streams.js' {
  import type { CorePointers } from 'hypercore-storage/lib/tx.js'
  import type View from 'hypercore-storage/lib/view.js'
  import type RocksDB from 'rocksdb-native'
  const streams: {
    /** What a Hypercore keeps beside its blocks, under keys of the program's own, in their order. */
    createLocalStream(
      core: CorePointers,
      db: RocksDB,
      view: View,
    ): AsyncIterable<{ readonly key: Uint8Array; readonly value: Uint8Array }>
  }
  export default streams
}

declare module 'hypercore-storage/lib/tx.js' {
  import type { HypercoreManifest } from 'hypercore'
  import type { TreeNode } from 'hypercore/lib/merkle-tree.js'
  import type View from 'hypercore-storage/lib/view.js'
  import type RocksDB from 'rocksdb-native'
  export interface CorePointers {
    readonly corePointer: number
    readonly dataPointer: number
    readonly dependencies: readonly never[]
  }
  interface Hints {
    readonly contiguousLength: number
    readonly remoteContiguousLength: number
  }
  /** Reads of one Hypercore; all that is asked for goes when `tryFlush` is called. */
  export class CoreRX {
    constructor(core: CorePointers, db: RocksDB, view: View, cache: null, stats: null, fork: -1)
    getAuth(): Promise<{ manifest: HypercoreManifest | null; frozen: boolean } | null>
    getHead(): Promise<{ length: number; fork: number } | null>
    getHints(): Promise<Hints | null>
    getGroup(): Promise<unknown>
    getDependency(): Promise<unknown>
    getBlock(index: number): Promise<Uint8Array | null>
    getTreeNode(index: number): Promise<TreeNode | null>
    getBitfieldPage(index: number): Promise<Uint8Array | null>
    getLocal(key: Uint8Array): Promise<Uint8Array | null>
    tryFlush(): void
  }
  /** Changes of one Hypercore, written in one batch by `flush`. */
  export class CoreTX {
    constructor(core: CorePointers, db: RocksDB, view: null, changes: never[])
    setHead(head: { fork: 0; length: number; rootHash: Uint8Array; signature: Uint8Array; timestamp: number }): void
    setHints(hints: Hints): void
    putBlock(index: number, block: Uint8Array): void
    putTreeNode(node: TreeNode): void
    putBitfieldPage(index: number, page: Uint8Array): void
    putLocal(key: Uint8Array, value: Uint8Array): void
    deleteLocal(key: Uint8Array): void
    flush(): Promise<boolean>
  }
  class CorestoreRX {
    constructor(db: RocksDB, view: View)
    getCore(discoveryKey: Uint8Array): Promise<{ version: number; corePointer: number; dataPointer: number } | null>
    tryFlush(): void
  }
  const transfers: {
    readonly CoreRX: typeof CoreRX
    readonly CoreTX: typeof CoreTX
    readonly CorestoreRX: typeof CorestoreRX
  }
  export default transfers
}

declare module 'hypercore-storage' {
  import type { HypercoreManifest } from 'hypercore'
  import type { CorePointers } from 'hypercore-storage/lib/tx.js'
  import type RocksDB from 'rocksdb-native'
  /** Storage of one Hypercore. */
  export interface CoreStorage {
    readonly core: Omit<CorePointers, 'dependencies'>
    close(): Promise<void>
  }
  export default class HypercoreStorage {
    constructor(db: string | RocksDB, options?: { allowBackup?: boolean; writeBufferSize?: number })
    /** The session on the column family that holds everything; `flush` of the storage itself misses it. */
    readonly db: RocksDB
    readonly rocks: RocksDB
    ready(): Promise<void>
    close(): Promise<void>
    /** The storage of a Hypercore that is there: whoever opens one asks here. */
    resumeCore: (discoveryKey: Uint8Array) => Promise<CoreStorage | null>
    createCore(core: {
      key: Uint8Array
      discoveryKey: Uint8Array
      manifest: HypercoreManifest
      keyPair: null
    }): Promise<CoreStorage>
    getAuth(discoveryKey: Uint8Array): Promise<{ manifest: HypercoreManifest | null } | null>
    getInfos(
      discoveryKeys: readonly Uint8Array[],
      options: { auth: boolean; head: boolean; hints: boolean },
    ): Promise<
      readonly ({
        head: { length: number; fork: number; signature: Uint8Array | null } | null
        hints: { contiguousLength: number } | null
      } | null)[]
    >
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
      /** Whether a longer head that somebody has is asked for. */
      eagerUpgrade?: boolean
      /** Whether anything is fetched for this session. */
      active?: boolean
      createIfMissing?: boolean
    }): Hypercore
    /** Hypercores that are open, by discovery key. */
    readonly cores: {
      get(discoveryKey: Uint8Array): {
        readonly state: { readonly length: number }
        allSessions(): Iterable<Hypercore>
        close(): Promise<void>
      } | null
    }
    list(): AsyncIterable<Uint8Array>
    replicate(isInitiatorOrStream: boolean | Duplex): Duplex
  }
}
