import { isPathTooLong } from './file-tree.ts'
import { findTag, MalformedBytes, type Tag } from '../../../protocol/index.ts'
import { ProgramStop } from '../program-stop.ts'
import { CallError } from '../wasi/errno.ts'
import { readArchive } from './archive.ts'
import type { FileTree } from './file-tree.ts'

/** Content-Type of data that is an archive. */
const ARCHIVE_TYPE = 'application/x-tar'

/**
 * Puts the user's own program where `app` says: a single file there, or an archive into its folder, in
 * place of all that was in that folder. Gives how many files came. @throws {ProgramStop} `bad-program`
 */
export function installApp(
  tree: FileTree,
  app: string,
  program: { readonly tags: readonly Tag[]; readonly data: Uint8Array },
): number {
  const folder = app.slice(1, Math.max(1, app.lastIndexOf('/')))
  const isArchive = findTag(program.tags, 'Content-Type') === ARCHIVE_TYPE
  const alone = [{ path: app.slice(1), bytes: program.data }]
  try {
    if (folder !== '') tree.removeAll(folder)
    let files = 0
    for (const { path, bytes } of isArchive ? readArchive(program.data) : alone) {
      const target = isArchive && folder !== '' ? `${folder}/${path}` : path
      if (isPathTooLong(target)) throw new CallError('nameTooLong')
      tree.put(target, bytes)
      files += 1
    }
    return files
  } catch (error) {
    if (error instanceof MalformedBytes) throw new ProgramStop('bad-program', error.message)
    if (error instanceof CallError) throw new ProgramStop('bad-program', `files: ${error.message}`)
    throw error
  }
}
