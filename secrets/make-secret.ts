import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, link, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes a file that only its owner can read, and that has its name only once it is whole and durable, whenever the disk is full or a
 * crash comes. False, if there is one of that name: it is left as it is. Of two at once the first gives it the name.
 */
export async function makeSecret(path: string, text: string): Promise<boolean> {
  const unnamed = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await writeDurably(unnamed, text)
    // There are disks, most of them of networks, whose files have one name each.
    await link(unnamed, path).catch(() => copyFile(unnamed, path, constants.COPYFILE_EXCL))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    await rm(unnamed, { force: true })
  }
  await syncFolder(dirname(path))
  return true
}

async function writeDurably(path: string, text: string): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  await file.writeFile(text)
  await file.sync()
}

/** Without it the name may be gone after a power loss. Windows opens no folders. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  await using folder = await open(path, 'r')
  await folder.sync()
}
