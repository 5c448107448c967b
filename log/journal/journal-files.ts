import {
  chmod,
  close,
  constants,
  fdatasync,
  fsync,
  open,
  readFile,
  readdir,
  rename,
  stat,
  unlink,
  writev,
} from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { makeFolder } from '../make-folder.ts'

/** The disk below the journal, as a port: tests count and break it. Paths are absolute. */
export interface JournalFiles {
  makeFolder(path: string): Promise<void>
  /** Names in a folder; none if it is not there. */
  list(folder: string): Promise<readonly string[]>
  read(path: string): Promise<Uint8Array>
  /** A new, empty file to append to. */
  create(path: string): Promise<JournalFile>
  /** Replaces `path` by `bytes` so that after a crash one of both is there, whole. */
  replace(path: string, bytes: Uint8Array): Promise<void>
  remove(path: string): Promise<void>
  /** Makes names in a folder durable. */
  syncFolder(path: string): Promise<void>
  /** What tells this folder from a copy of it. */
  identity(folder: string): Promise<string>
}

/** A file that is only appended to. */
export interface JournalFile {
  append(chunks: readonly Uint8Array[]): Promise<void>
  /** Resolves when all that was appended survives power loss. */
  datasync(): Promise<void>
  close(): Promise<void>
}

const openFile = promisify(open)
const closeFile = promisify(close)
const syncFile = promisify(fsync)

/** The disk itself. */
export const diskFiles: JournalFiles = {
  makeFolder,
  async list(folder) {
    try {
      return await promisify(readdir)(folder)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
      throw error
    }
  },
  read: path => promisify(readFile)(path),
  async create(path) {
    // Each write is synced by the kernel before it returns: one trip to a thread instead of two for a group.
    const { O_CREAT, O_TRUNC, O_WRONLY, O_DSYNC } = constants
    const file = appendTo(await openFile(path, O_CREAT | O_TRUNC | O_WRONLY | O_DSYNC, 0o600))
    return O_DSYNC === undefined ? file : { ...file, datasync: () => Promise.resolve() }
  },
  async replace(path, bytes) {
    const draft = `${path}.new`
    const file = appendTo(await openFile(draft, 'w', 0o600))
    try {
      await file.append([bytes])
      await file.datasync()
    } finally {
      await file.close()
    }
    await promisify(rename)(draft, path)
  },
  remove: path => promisify(unlink)(path),
  async syncFolder(path) {
    const folder = await openFile(path, 'r')
    try {
      await syncFile(folder)
    } finally {
      await closeFile(folder)
    }
  },
  async identity(folder) {
    // Not the device number: it changes with a restart on LVM, btrfs and network disks. The time of birth
    // is what a copy cannot bring along. Where a file system has none, Node reports the time of change
    // instead, which we tell by changing something.
    let { ino, birthtimeNs, ctimeNs } = await statBig(folder)
    if (birthtimeNs === ctimeNs) {
      await sleep(CLOCK_STEP_MS)
      await promisify(chmod)(folder, 0o700)
      ;({ ino, birthtimeNs, ctimeNs } = await statBig(folder))
    }
    return birthtimeNs === ctimeNs ? `${ino}` : `${ino}/${birthtimeNs}`
  },
}

/** Longer than one step of a kernel's coarse clock. */
const CLOCK_STEP_MS = 20

const statBig = (path: string): Promise<{ ino: bigint; birthtimeNs: bigint; ctimeNs: bigint }> =>
  new Promise((resolve, reject) => {
    stat(path, { bigint: true }, (error, stats) => (error === null ? resolve(stats) : reject(error)))
  })

function appendTo(descriptor: number): JournalFile {
  return {
    append: chunks => writeAll(descriptor, chunks),
    datasync: () =>
      new Promise((resolve, reject) => {
        fdatasync(descriptor, error => (error === null ? resolve() : reject(error)))
      }),
    close: () => closeFile(descriptor),
  }
}

async function writeAll(descriptor: number, chunks: readonly Uint8Array[]): Promise<void> {
  let rest = chunks
  while (rest.length > 0) rest = after(rest, await writeSome(descriptor, rest))
}

function writeSome(descriptor: number, chunks: readonly Uint8Array[]): Promise<number> {
  return new Promise((resolve, reject) => {
    writev(descriptor, chunks as NodeJS.ArrayBufferView[], (error, written) => {
      if (error !== null) reject(error)
      // A disk that takes nothing and says nothing would hold us for ever.
      else if (written === 0) reject(new Error('ENOSPC: the disk took no bytes'))
      else resolve(written)
    })
  })
}

function after(chunks: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  const rest: Uint8Array[] = []
  let skip = written
  for (const chunk of chunks) {
    if (skip < chunk.length) rest.push(chunk.subarray(skip))
    skip = Math.max(0, skip - chunk.length)
  }
  return rest
}
