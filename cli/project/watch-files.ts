import { type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'

/** Editors write a file in several steps; what comes within this time is one change. */
const SETTLE_MS = 60

/** Watches the folders of files, and tells once for what changes together. */
export class FileWatch implements Disposable {
  readonly #changed: () => void
  readonly #folders = new Map<string, FSWatcher>()
  #files: ReadonlySet<string> = new Set()
  #timer: NodeJS.Timeout | undefined

  constructor(changed: () => void) {
    this.#changed = changed
  }

  /** The files that count from now on; folders, not files, are watched, because editors replace files. */
  look(files: Iterable<string>): void {
    this.#files = new Set([...files].filter(file => !file.includes('node_modules')))
    const folders = new Set([...this.#files].map(dirname))
    for (const [folder, watcher] of this.#folders) {
      if (folders.has(folder)) continue
      watcher.close()
      this.#folders.delete(folder)
    }
    for (const folder of folders) if (!this.#folders.has(folder)) this.#open(folder)
  }

  #open(folder: string): void {
    try {
      const watcher = watch(folder, (_, name) => {
        if (name === null || this.#files.has(`${folder}/${name}`) || name.includes('.process.')) this.#later()
      })
      watcher.on('error', () => watcher.close())
      this.#folders.set(folder, watcher)
    } catch {
      // The folder has gone: the next build says so.
    }
  }

  #later(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#changed, SETTLE_MS)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    for (const watcher of this.#folders.values()) watcher.close()
    this.#folders.clear()
  }
}
