import { diskFiles, type JournalFiles } from '../../log/index.ts'

/** A real disk that counts what is asked of it, can be held still, and fails when told to. */
export class FaultyFiles implements JournalFiles {
  /** Calls of fdatasync on files. */
  datasyncs = 0
  /** Bytes that may still be written before the disk is full. */
  room = Number.POSITIVE_INFINITY
  /** Error codes that the next calls of fdatasync fail with. */
  readonly failingSyncs: string[] = []
  #held: Promise<void> | undefined
  #release: () => void = () => undefined

  /** Calls of fdatasync wait until `release`. */
  hold(): void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#held = promise
    this.#release = resolve
  }

  release(): void {
    this.#held = undefined
    this.#release()
  }

  readonly makeFolder = diskFiles.makeFolder
  readonly list = diskFiles.list
  readonly read = diskFiles.read
  readonly replace = diskFiles.replace
  readonly remove = diskFiles.remove
  readonly syncFolder = diskFiles.syncFolder
  readonly identity = diskFiles.identity

  async create(path: string): ReturnType<JournalFiles['create']> {
    const file = await diskFiles.create(path)
    return {
      append: async chunks => {
        for (const chunk of chunks) {
          const fits = chunk.subarray(0, this.room)
          this.room -= fits.length
          if (fits.length > 0) await file.append([fits])
          if (fits.length < chunk.length) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
        }
      },
      datasync: async () => {
        this.datasyncs++
        await this.#held
        const code = this.failingSyncs.shift()
        if (code !== undefined) throw Object.assign(new Error('the sync failed'), { code })
        await file.datasync()
      },
      close: () => file.close(),
    }
  }
}
