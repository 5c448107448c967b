import { constants } from 'node:fs'
import { cp, readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Failure } from '../protocol/index.ts'
import { diskFailure } from './disk-failure.ts'
import type { GroupCommit } from './journal/group-commit.ts'
import type { HypercoreLogParts } from './hypercore-log.ts'
import { makeFolder } from './make-folder.ts'
import { closeStore, openStore } from './store/open-store.ts'
import { RocksStore } from './store/rocks-store.ts'

/** The databases go on moving files about while they are copied; a copy that does not open is made again. */
const ATTEMPTS_MAX = 5

/**
 * Copies the data folder, as it is at one moment, into a new folder.
 *
 * 1. No commit is written meanwhile, and all that was committed is in its feeds on disk: the copy misses nothing.
 * 2. What can be made again (results, feeds of others, caches) may still be written: of that the copy has a beginning.
 * 3. The journal comes last, so no feed in the copy is ahead of it. What was copied is opened before it counts.
 */
export async function backUp(parts: HypercoreLogParts, group: GroupCommit, target: string): Promise<void> {
  const { behind, messages, processes, store, keeper, feeds } = parts
  await makeEmpty(target)
  using _held = await group.hold()
  await behind.drain()
  await messages.flush()
  await processes.flush()
  await store.flush()
  await keeper.drain()
  await store.sync()
  await feeds.sync()
  for (let attempt = 1; ; attempt++) {
    try {
      for (const name of ['feeds', 'store', 'modules', 'epochs', 'journal', 'folder.json'])
        await copy(parts.folder, target, name)
      await checkOpens(target)
      return
    } catch (error) {
      const failure = diskFailure(error, 'backup')
      if (attempt >= ATTEMPTS_MAX || failure.code === 'disk-full') throw failure
      for (const name of await readdir(target)) await rm(join(target, name), { recursive: true })
    }
  }
}

async function makeEmpty(target: string): Promise<void> {
  await makeFolder(target)
  if ((await readdir(target)).length > 0)
    throw new Failure('already-there', { folder: target }, { note: 'a backup goes into an empty folder' })
}

/** Shares the blocks of files where the file system can. */
async function copy(from: string, to: string, name: string): Promise<void> {
  const filter = (path: string): boolean => basename(path) !== 'LOCK'
  try {
    await cp(join(from, name), join(to, name), {
      recursive: true,
      preserveTimestamps: true,
      mode: constants.COPYFILE_FICLONE,
      filter,
    })
  } catch (error) {
    // Nobody added a module yet, or a record of an epoch.
    if (
      (name !== 'modules' && name !== 'epochs') ||
      !(error instanceof Error && 'code' in error && error.code === 'ENOENT')
    )
      throw error
  }
}

async function checkOpens(folder: string): Promise<void> {
  const store = await RocksStore.open(join(folder, 'store'))
  await store[Symbol.asyncDispose]()
  await closeStore(await openStore(join(folder, 'feeds')))
}
