import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, link, open, rm } from 'node:fs/promises'

/**
 * Makes a file that only its owner can read, and that has its name only once it is whole, whenever the disk is full or a crash comes.
 * False, if there is one of that name: it is left as it is.
 */
export async function writeOnce(path: string, text: string): Promise<boolean> {
  const unnamed = `${path}.${randomBytes(6).toString('hex')}`
  try {
    const file = await open(unnamed, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    // There are disks, most of them of networks, whose files have one name each.
    await link(unnamed, path).catch(() => copyFile(unnamed, path, constants.COPYFILE_EXCL))
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    await rm(unnamed, { force: true })
  }
}
