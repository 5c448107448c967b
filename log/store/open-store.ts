import { dirname, join } from 'node:path'
import Corestore from 'corestore'
import HypercoreStorage from 'hypercore-storage'
import RocksDB from 'rocksdb-native'
import { Failure } from '../../protocol/index.ts'
import { DATABASE_MEMORY, withDatabaseMemory } from './database-memory.ts'
import { diskFailure, isLocked } from '../disk-failure.ts'
import { shareBatches } from './shared-batches.ts'

const BROKEN_WAL = /sequence number is being set backwards/i

/** A Corestore, and the storage below it. */
export interface OpenedStore {
  readonly store: Corestore
  readonly storage: HypercoreStorage
}

/** @throws {Failure} `disk-full`, `disk-fault` */
export async function closeStore({ store, storage }: OpenedStore): Promise<void> {
  try {
    await store.close()
  } catch (error) {
    // One core that cannot close leaves the database open and locked.
    await storage.rocks.close({ force: true }).catch(() => undefined)
    throw diskFailure(error, 'feeds')
  }
}

/** @throws {Failure} `data-folder-locked`, `data-folder-damaged`, `disk-full` */
export async function openStore(folder: string): Promise<OpenedStore> {
  try {
    return await openOnce(folder)
  } catch (error) {
    if (isLocked(error)) throw new Failure('data-folder-locked', { folder: dirname(folder) }, { cause: error })
    // Having met this, hypercore-storage has removed the WAL; the journal holds what stood in it.
    if (error instanceof Error && BROKEN_WAL.test(error.message)) return await openOnce(folder)
    const failure = diskFailure(error, 'feeds')
    if (failure.code === 'disk-full') throw failure
    throw new Failure('data-folder-damaged', { folder: 'feeds' }, { cause: error })
  }
}

async function openOnce(folder: string): Promise<OpenedStore> {
  // Given a database, the storage makes no device file of its own, which would have the folder refused when
  // it was touched. The folder above has its own lock and its own proof that it is no copy.
  const db = shareBatches(new RocksDB(join(folder, 'db'), DATABASE_MEMORY))
  const { columnFamily } = db
  db.columnFamily = (family, options) => columnFamily.call(db, withDatabaseMemory(family), options)
  const storage = new HypercoreStorage(db)
  const store = new Corestore(storage, { manifestVersion: 2 })
  try {
    await store.ready()
    return { store, storage }
  } catch (error) {
    await closeStore({ store, storage }).catch(() => undefined)
    throw error
  }
}
