import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  asModuleId,
  compareBytes,
  type DataItem,
  describeModule,
  fromBase64Url,
  isId,
  MalformedBytes,
  type ModuleDescription,
  type ModuleId,
  parseDataItem,
  verifyDataItem,
} from '../../protocol/index.ts'
import { diskFailure } from '../disk-failure.ts'
import type { JournalFiles } from '../journal/journal-files.ts'
import { plainBytes } from '../plain-bytes.ts'

/** Everything of a signed item but its data fits into this: signature, key, 4 KiB of tags. */
const ITEM_HEAD_SIZE_BYTES = 16 * 1024
/** Modules kept whole in memory. */
const KNOWN_MAX = 16
/** Bytes of them: anybody can hand in modules of 40 MiB, and ask for each. The last is kept whatever its size. */
const KNOWN_MAX_BYTES = 128 * 1024 * 1024

export type ModuleListing = Omit<ModuleDescription, 'wasm'>

export interface ModuleFolderOptions {
  readonly knownMaxBytes?: number | undefined
  /** Hears of a module whose file was not what was signed, once it is removed. */
  readonly onDamaged?: ((id: ModuleId) => void) | undefined
}

/**
 * Modules this node knows: one file for each signed item. Not in the store, which may be lost as it is a
 * cache, and in which values of megabytes would be written three times.
 */
export class ModuleFolder {
  readonly #files: JournalFiles
  readonly #folder: string
  /** By id, in order of ids once sorted. */
  readonly #listed: Map<ModuleId, ModuleListing>
  #sorted: readonly { key: Uint8Array; listing: ModuleListing }[] | undefined
  readonly #known = new Map<ModuleId, ModuleDescription>()
  #knownBytes = 0
  readonly #reading = new Map<ModuleId, Promise<Uint8Array | undefined>>()
  /** Whose files were written or checked since the start: a disk that damages files does so while nobody looks. */
  readonly #sound = new Set<ModuleId>()
  readonly #adding = new Map<ModuleId, Promise<void>>()

  readonly #knownMaxBytes: number
  readonly #onDamaged: ((id: ModuleId) => void) | undefined

  private constructor(
    files: JournalFiles,
    folder: string,
    listed: Map<ModuleId, ModuleListing>,
    { knownMaxBytes = KNOWN_MAX_BYTES, onDamaged }: ModuleFolderOptions,
  ) {
    this.#files = files
    this.#folder = folder
    this.#listed = listed
    this.#knownMaxBytes = knownMaxBytes
    this.#onDamaged = onDamaged
  }

  static async open(files: JournalFiles, folder: string, options: ModuleFolderOptions = {}): Promise<ModuleFolder> {
    await files.makeFolder(folder)
    const listed = new Map<ModuleId, ModuleListing>()
    for (const name of await files.list(folder)) {
      const id = name.slice(0, -'.item'.length)
      if (!name.endsWith('.item') || !isId(id)) continue
      const listing = await readListing(join(folder, name))
      if (listing?.id === id) listed.set(listing.id, listing)
    }
    return new ModuleFolder(files, folder, listed, options)
  }

  /** Durable when it resolves. @throws {Failure} `wrong-type`, `disk-full` */
  async addModule(item: DataItem): Promise<ModuleDescription> {
    const description = describeModule(item)
    const { id } = description
    if (this.#listed.has(id)) return description
    // Several learn of a module at once: it is written by the first.
    const adding = this.#adding.get(id) ?? this.#write(description, item).finally(() => this.#adding.delete(id))
    this.#adding.set(id, adding)
    await adding
    return description
  }

  async #write(description: ModuleDescription, { bytes }: DataItem): Promise<void> {
    // A damaged file of it may be on its way out, which must not take this one with it.
    await this.#reading.get(description.id)?.catch(() => undefined)
    try {
      await this.#files.replace(this.#pathOf(description.id), bytes)
      await this.#files.syncFolder(this.#folder)
    } catch (error) {
      throw diskFailure(error, 'modules')
    }
    this.#sound.add(description.id)
    this.#listed.set(description.id, listingOf(description))
    this.#sorted = undefined
  }

  async module(id: ModuleId): Promise<ModuleDescription | undefined> {
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const bytes = await this.moduleItem(id)
    if (bytes === undefined) return undefined
    const description = this.#known.get(id) ?? describeModule(parseDataItem(bytes))
    this.#keep(description)
    return description
  }

  #keep(description: ModuleDescription): void {
    if (this.#known.has(description.id)) return
    this.#known.set(description.id, description)
    this.#knownBytes += description.wasm.length
    for (const [id, { wasm }] of this.#known) {
      const isWithin = this.#known.size <= KNOWN_MAX && this.#knownBytes <= this.#knownMaxBytes
      if (isWithin || this.#known.size === 1) return
      this.#known.delete(id)
      this.#knownBytes -= wasm.length
    }
  }

  /** The same bytes for all who ask at once: a thousand questions for one module would read it a thousand times over. */
  async moduleItem(id: ModuleId): Promise<Uint8Array | undefined> {
    if (!this.#listed.has(id)) return undefined
    const reading = this.#reading.get(id) ?? this.#read(id).finally(() => this.#reading.delete(id))
    this.#reading.set(id, reading)
    return reading
  }

  /** A file that is not what was signed is as good as none: it is removed, and the module looked for elsewhere or added again. */
  async #read(id: ModuleId): Promise<Uint8Array | undefined> {
    const bytes = plainBytes(await readFile(this.#pathOf(id)))
    if (this.#sound.has(id) || isWholeItem(id, bytes)) {
      this.#sound.add(id)
      return bytes
    }
    this.#listed.delete(id)
    this.#sorted = undefined
    await this.#files.remove(this.#pathOf(id))
    this.#onDamaged?.(id)
    return undefined
  }

  modules({ after, limit }: { after?: ModuleId | undefined; limit: number }): readonly ModuleListing[] {
    this.#sorted ??= Array.from(this.#listed.values(), listing => ({
      key: fromBase64Url(listing.id),
      listing,
    })).sort((a, b) => compareBytes(a.key, b.key))
    const start = after === undefined ? undefined : fromBase64Url(after)
    const first = start === undefined ? 0 : this.#sorted.findIndex(({ key }) => compareBytes(key, start) > 0)
    return first === -1 ? [] : this.#sorted.slice(first, first + limit).map(({ listing }) => listing)
  }

  #pathOf(id: ModuleId): string {
    return join(this.#folder, `${id}.item`)
  }
}

async function readListing(path: string): Promise<ModuleListing | undefined> {
  const file = await open(path)
  try {
    const head = new Uint8Array(ITEM_HEAD_SIZE_BYTES)
    const { bytesRead } = await file.read(head, 0, head.length, 0)
    return listingOf(describeModule(parseDataItem(head.subarray(0, bytesRead))))
  } catch {
    return undefined
  } finally {
    await file.close()
  }
}

function isWholeItem(id: ModuleId, bytes: Uint8Array): boolean {
  try {
    const item = parseDataItem(bytes)
    return item.id === id && verifyDataItem(item)
  } catch (error) {
    // Anything else says nothing of the file, and it stays.
    if (error instanceof MalformedBytes) return false
    throw error
  }
}

function listingOf({ id, owner, format, tags }: ModuleDescription): ModuleListing {
  return { id: asModuleId(id), owner, format, tags }
}
