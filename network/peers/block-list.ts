import { readFile, rename, writeFile } from 'node:fs/promises'
import { Failure, isId, asKeyId, type KeyId } from '../../protocol/index.ts'

/** Keys that the operator does not want to speak to, one a line in a file. */
export class BlockList {
  readonly #path: string | undefined
  readonly #keys: Set<KeyId>
  #writing: Promise<void> = Promise.resolve()

  private constructor(path: string | undefined, keys: Set<KeyId>) {
    this.#path = path
    this.#keys = keys
  }

  /** Reads the file, if there is one; without a path nothing outlives the program. @throws {Failure} `bad-config` */
  static async open(path: string | undefined): Promise<BlockList> {
    const text = path === undefined ? '' : await readFile(path, 'utf8').catch(absent)
    const lines = text
      .split('\n')
      .map(line => line.trim())
      .filter(line => line !== '')
    const wrong = lines.find(line => !isId(line))
    if (wrong !== undefined)
      throw new Failure('bad-config', { file: path ?? '', line: wrong }, { note: 'expected a key' })
    return new BlockList(path, new Set(lines.map(asKeyId)))
  }

  get keys(): readonly KeyId[] {
    return [...this.#keys]
  }

  has(key: KeyId): boolean {
    return this.#keys.has(key)
  }

  /** Resolves once it is on disk. */
  add(key: KeyId): Promise<void> {
    this.#keys.add(key)
    return this.#write()
  }

  remove(key: KeyId): Promise<void> {
    this.#keys.delete(key)
    return this.#write()
  }

  #write(): Promise<void> {
    const path = this.#path
    if (path === undefined) return Promise.resolve()
    this.#writing = this.#writing
      .catch(() => undefined)
      .then(async () => {
        await writeFile(`${path}.new`, this.keys.map(key => `${key}\n`).join(''), { mode: 0o600 })
        await rename(`${path}.new`, path)
      })
    return this.#writing
  }
}

function absent(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
  throw error
}
