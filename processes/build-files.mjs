import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Replaces a file at one stroke: two builds at once leave a whole file. */
export async function replaceFile(folder, name, contents) {
  const temporary = join(folder, `.${name}.${process.pid}`)
  await writeFile(temporary, contents)
  await rename(temporary, join(folder, name))
}

/** The text of a file; undefined if there is none. */
export async function readIfThere(path) {
  return (await bytesIfThere(path))?.toString()
}

/** The bytes of a file; undefined if there is none. */
export async function bytesIfThere(path) {
  try {
    return await readFile(path)
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}
