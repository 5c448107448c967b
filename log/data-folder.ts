import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Failure, fromHex, fromUtf8, toHex, toUtf8 } from '../protocol/index.ts'
import type { JournalFiles } from './journal/journal-files.ts'

const FILE_NAME = 'folder.json'
const FOLDER_ID_SIZE_BYTES = 16

interface FolderFile {
  readonly version: 1
  /** 16 bytes in hex. */
  readonly id: string
  /** What tells the journal's folder from a copy of it. */
  readonly journal: string
  /** It is a copy, and nobody said that it is the newest there is. */
  readonly restored?: true | undefined
}

/** Where the parts of a log lie; absolute paths. */
export interface DataFolder {
  /** 16 bytes, made with the folder. */
  readonly id: Uint8Array
  readonly feeds: string
  readonly store: string
  readonly journal: string
  readonly modules: string
  readonly epochs: string
  /** It is a copy that may miss what was acknowledged later: see `RestoredFolder`. */
  readonly restored: boolean
}

/** What to do with a copy: `refuse` it; `ask` others what it misses before anything is written; `accept` it as it is. */
export type RestoredFolder = 'refuse' | 'ask' | 'accept'

export function placesIn(directory: string): Omit<DataFolder, 'id' | 'restored'> {
  return {
    feeds: join(directory, 'feeds'),
    store: join(directory, 'store'),
    journal: join(directory, 'journal'),
    modules: join(directory, 'modules'),
    epochs: join(directory, 'epochs'),
  }
}

/**
 * Makes the folder, or proves that it is the one that was made and no copy of it: a copy may miss receipts
 * that were given after it was taken, and would give their slots to other messages.
 * @throws {Failure} `data-folder-moved` if a copy is refused; `data-folder-damaged`
 */
export async function openDataFolder(
  files: JournalFiles,
  directory: string,
  copies: RestoredFolder,
): Promise<DataFolder> {
  const folder = placesIn(directory)
  const present = (await files.list(directory)).filter(name => !name.endsWith('.new'))
  await files.makeFolder(folder.journal)
  const journal = await files.identity(folder.journal)
  if (!present.includes(FILE_NAME)) {
    if (present.some(name => name === 'journal' || name === 'feeds') && (await holdsSomething(files, folder))) {
      throw new Failure('data-folder-damaged', { file: FILE_NAME }, { note: 'it is missing' })
    }
    const id = randomBytes(FOLDER_ID_SIZE_BYTES)
    await writeFile(files, directory, { version: 1, id: toHex(id), journal })
    return { ...folder, id, restored: false }
  }
  const file = await readFile(files, join(directory, FILE_NAME))
  const isMoved = file.journal !== journal
  if (isMoved && copies === 'refuse') throw new Failure('data-folder-moved', { directory })
  const restored = copies !== 'accept' && (isMoved || file.restored === true)
  if (isMoved || restored !== (file.restored === true)) {
    const { version, id } = file
    await writeFile(files, directory, { version, id, journal, ...(restored && { restored }) })
  }
  return { ...folder, id: fromHex(file.id), restored }
}

async function holdsSomething(files: JournalFiles, folder: ReturnType<typeof placesIn>): Promise<boolean> {
  const names = [...(await files.list(folder.journal)), ...(await files.list(folder.feeds))]
  return names.length > 0
}

async function readFile(files: JournalFiles, path: string): Promise<FolderFile> {
  try {
    const file: unknown = JSON.parse(fromUtf8(await files.read(path)))
    if (isFolderFile(file)) return file
    throw new TypeError(`expected version 1 with id and journal in ${path}`)
  } catch (error) {
    throw new Failure('data-folder-damaged', { file: FILE_NAME }, { cause: error, note: 'it cannot be read' })
  }
}

function isFolderFile(file: unknown): file is FolderFile {
  if (typeof file !== 'object' || file === null) return false
  const { version, id, journal, restored } = file as Partial<Record<keyof FolderFile, unknown>>
  return (
    version === 1 &&
    typeof id === 'string' &&
    /^[0-9a-f]{32}$/.test(id) &&
    typeof journal === 'string' &&
    (restored === undefined || restored === true)
  )
}

async function writeFile(files: JournalFiles, directory: string, file: FolderFile): Promise<void> {
  await files.replace(join(directory, FILE_NAME), toUtf8(`${JSON.stringify(file, undefined, 2)}\n`))
  await files.syncFolder(directory)
}
