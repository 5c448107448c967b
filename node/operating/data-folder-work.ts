import { cp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { HypercoreLog, isOpen, makeFolder } from '../../log/index.ts'
import { Failure, installCrypto } from '../../protocol/index.ts'
import { type CheckedFeed, importFeed } from '../following/feed-file.ts'
import { openKeystore, privateFolder } from '../keystore.ts'
import { nativeCrypto } from '../crypto/native-crypto.ts'

/**
 * Puts a backup where a node finds it. The node then knows that it was restored: it asks its peers what it misses before it
 * writes anything. @throws {Failure} `already-there` if the folder is in use, `bad-file` if the backup is none
 */
export async function restoreBackup(backup: string, data: string): Promise<void> {
  const names: readonly string[] = await readdir(backup).catch(() => [])
  if (!names.includes('folder.json') || !names.includes('keys'))
    throw new Failure('bad-file', { backup }, { note: 'no backup of a node is there' })
  await makeFolder(data)
  if ((await readdir(data)).length > 0)
    throw new Failure('already-there', { data }, { note: 'a backup is restored into an empty folder' })
  await cp(backup, data, { recursive: true, preserveTimestamps: true })
  await privateFolder(data)
}

/** Whether a node runs in that folder. Starts none to find out. */
export function isRunning(data: string): Promise<boolean> {
  return isOpen(data)
}

/** Puts a checked feed into the data folder of a node that is not running. Gives how many blocks were added. @throws {Failure} `data-folder-locked`, `feed-frozen` */
export async function importIntoFolder(data: string, feed: CheckedFeed): Promise<number> {
  installCrypto(nativeCrypto)
  await privateFolder(data)
  const { seed } = await openKeystore(join(data, 'keys'))
  await using log = await HypercoreLog.open({ directory: data, keySeed: seed })
  return await importFeed(log, feed)
}
