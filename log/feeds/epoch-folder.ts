import { join } from 'node:path'
import {
  asProcessId,
  CborReader,
  CborWriter,
  EpochChains,
  Failure,
  isId,
  type ProcessDescription,
  type ProcessId,
} from '../../protocol/index.ts'
import { diskFailure } from '../disk-failure.ts'
import type { JournalFiles } from '../journal/journal-files.ts'

const SUFFIX = '.epochs'

/**
 * Epoch records of processes: one file for each process that was handed over, `[item, …]`. Not in the store, which may be lost as it
 * is a cache: without its records a process would go on where it no longer is.
 */
export class EpochFolder {
  readonly #files: JournalFiles
  readonly #folder: string
  readonly #chains: EpochChains
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(files: JournalFiles, folder: string, chains: EpochChains) {
    this.#files = files
    this.#folder = folder
    this.#chains = chains
  }

  /** @throws {Failure} `data-folder-damaged` */
  static async open(files: JournalFiles, folder: string): Promise<EpochFolder> {
    await files.makeFolder(folder)
    const chains: [ProcessId, Uint8Array[]][] = []
    for (const name of await files.list(folder)) {
      const id = name.slice(0, -SUFFIX.length)
      if (!name.endsWith(SUFFIX) || !isId(id)) continue
      try {
        chains.push([asProcessId(id), readItems(await files.read(join(folder, name)))])
      } catch (error) {
        throw new Failure('data-folder-damaged', { file: name }, { cause: error })
      }
    }
    return new EpochFolder(files, folder, new EpochChains(chains))
  }

  get processes(): readonly ProcessId[] {
    return this.#chains.processes
  }

  itemsOf(process: ProcessId): readonly Uint8Array[] {
    return this.#chains.itemsOf(process)
  }

  /** See `EpochChains`. */
  endOf(process: ProcessId, epoch: number): number {
    return this.#chains.endOf(process, epoch)
  }

  present<T extends ProcessDescription | undefined>(spawned: T): T | ProcessDescription {
    return this.#chains.present(spawned)
  }

  /** Durable, and in force, when it resolves. @throws {Failure} `disk-full` */
  add(process: ProcessId, item: Uint8Array): Promise<void> {
    const adding = this.#turn.then(() => this.#add(process, item))
    this.#turn = adding.catch(() => undefined)
    return adding
  }

  async #add(process: ProcessId, item: Uint8Array): Promise<void> {
    try {
      await this.#files.replace(join(this.#folder, `${process}${SUFFIX}`), writeItems([...this.itemsOf(process), item]))
      await this.#files.syncFolder(this.#folder)
    } catch (error) {
      throw diskFailure(error, 'epochs')
    }
    this.#chains.add(process, item)
  }
}

function writeItems(items: readonly Uint8Array[]): Uint8Array {
  const writer = new CborWriter()
  writer.array(items.length)
  for (const item of items) writer.bytes(item)
  return writer.finish()
}

function readItems(bytes: Uint8Array): Uint8Array[] {
  const reader = new CborReader(bytes)
  const items = Array.from({ length: reader.array() }, () => reader.bytes().slice())
  reader.end()
  return items
}
