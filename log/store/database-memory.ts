import RocksDB, { type ColumnFamily } from 'rocksdb-native'

/**
 * How our two databases are to keep memory. Besides what is named here, a RocksDB holds for each sorted file a key of each block and
 * ten bits of each key: that grows with the disk, and is to be little.
 */
export const DATABASE_MEMORY = {
  /**
   * What is gathered in memory before a sorted file is written; there are two of these for each column family, of which our databases
   * have three. Its own choice of 64 MiB would be 384 MiB, most of it entries that nobody reads again; this much is some
   * thousands of appends.
   */
  writeBufferSize: 8 * 1024 * 1024,
  /** What is read of a file at once, and kept in the cache: twice the usual, so half of the keys. */
  tableBlockSize: 16 * 1024,
  /** Keys and bits go with their file. In the cache of blocks those of files long gone would stay until it is full. */
  tableCacheIndexAndFilterBlocks: false,
} as const

/**
 * The column family of the Hypercores, in the same memory. Nearly all that is asked of it is there, so its last level, where nine of
 * ten entries are, needs no bits of keys. What was given is of no more use.
 */
export function withDatabaseMemory(family: ColumnFamily): ColumnFamily {
  const { name, _options } = family
  const ours = new RocksDB.ColumnFamily(name, { ..._options, ...DATABASE_MEMORY, optimizeFiltersForHits: true })
  family.destroy()
  return ours
}
