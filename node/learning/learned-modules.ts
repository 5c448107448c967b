import {
  type Directory,
  Failure,
  MalformedBytes,
  type ModuleDescription,
  type ModuleId,
  parseDataItem,
  type Peers,
  verifyDataItem,
} from '../../protocol/index.ts'

/** Modules that are used here and were added elsewhere, as their own signed items prove them. */
export class LearnedModules {
  readonly #directory: Pick<Directory, 'module' | 'addModule'>
  readonly #peers: Pick<Peers, 'moduleItem'>
  readonly #asking = new Map<ModuleId, Promise<boolean>>()

  constructor(parts: { directory: Pick<Directory, 'module' | 'addModule'>; peers: Pick<Peers, 'moduleItem'> }) {
    this.#directory = parts.directory
    this.#peers = parts.peers
  }

  /** Has a module in the directory; false if nobody in reach gives it. */
  learn(id: ModuleId): Promise<boolean> {
    const asking = this.#asking.get(id) ?? this.#learn(id).finally(() => this.#asking.delete(id))
    this.#asking.set(id, asking)
    return asking
  }

  /** The module, if anybody in reach gives it. */
  async module(id: ModuleId): Promise<ModuleDescription | undefined> {
    return (await this.#directory.module(id)) ?? ((await this.learn(id)) ? this.#directory.module(id) : undefined)
  }

  async #learn(id: ModuleId): Promise<boolean> {
    if ((await this.#directory.module(id)) !== undefined) return true
    const bytes = await this.#peers.moduleItem(id).catch(() => undefined)
    if (bytes === undefined) return false
    try {
      const item = parseDataItem(bytes)
      if (item.id !== id || !verifyDataItem(item)) return false
      await this.#directory.addModule(item)
    } catch (error) {
      // Whoever was asked may give anything; and anybody can sign something that is no module, and name it in a process.
      if (error instanceof MalformedBytes || Failure.is(error, 'wrong-type')) return false
      throw error
    }
    return true
  }
}
