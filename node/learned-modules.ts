import {
  type Directory,
  Failure,
  type ModuleDescription,
  type ModuleId,
  parseDataItem,
  type Peers,
  verifyDataItem,
} from '../protocol/index.ts'

/** Modules that other nodes have; each is added to the directory, once its signature was found to hold. */
export class LearnedModules {
  readonly #parts: { readonly directory: Directory; readonly peers: Pick<Peers, 'moduleItem'> }
  readonly #asking = new Map<ModuleId, Promise<ModuleDescription | undefined>>()

  constructor(parts: { readonly directory: Directory; readonly peers: Pick<Peers, 'moduleItem'> }) {
    this.#parts = parts
  }

  /** Nothing, if nobody in reach has it. @throws {Failure} `bad-signature`, `unreachable` */
  async module(id: ModuleId): Promise<ModuleDescription | undefined> {
    const known = await this.#parts.directory.module(id)
    if (known !== undefined) return known
    const asking = this.#asking.get(id) ?? this.#learn(id).finally(() => this.#asking.delete(id))
    this.#asking.set(id, asking)
    return asking
  }

  async #learn(id: ModuleId): Promise<ModuleDescription | undefined> {
    const { directory, peers } = this.#parts
    const bytes = await peers.moduleItem(id)
    if (bytes === undefined) return undefined
    const item = parseDataItem(bytes)
    if (item.id !== id || !verifyDataItem(item)) throw new Failure('bad-signature', { id: item.id })
    return directory.addModule(item)
  }
}
