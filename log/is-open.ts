import { existsSync } from 'node:fs'
import RocksDB from 'rocksdb-native'
import { placesIn } from './data-folder.ts'
import { isLocked } from './disk-failure.ts'

/** Whether somebody has the log in `directory` open: who does holds the lock of its store. Makes no log, and reads and repairs none. */
export async function isOpen(directory: string): Promise<boolean> {
  const { store } = placesIn(directory)
  if (!existsSync(store)) return false
  const db = new RocksDB(store, { createIfMissing: false })
  try {
    await db.ready()
    await db.close()
    return false
  } catch (error) {
    // A store that is damaged is nobody's.
    return isLocked(error)
  }
}
