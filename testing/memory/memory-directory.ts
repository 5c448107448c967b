import {
  asModuleId,
  type DataItem,
  decodeEnvelope,
  decodeFrame,
  describeModule,
  describeProcess,
  type Directory,
  EpochChains,
  encodeEnvelope,
  type ModuleDescription,
  type NewBlock,
  type ProcessDescription,
  type ProcessId,
} from '../../protocol/index.ts'

interface KnownProcess {
  readonly description: ProcessDescription
  readonly envelope: Uint8Array
}

interface KnownModule {
  readonly description: ModuleDescription
  readonly item: Uint8Array
}

/** Processes and modules in memory. */
export class MemoryDirectory implements Directory {
  readonly #processes: Map<string, KnownProcess>
  readonly #modules: Map<string, KnownModule>
  readonly #epochs: EpochChains

  constructor(from?: MemoryDirectory, epochs = from === undefined ? undefined : from.epochs) {
    this.#epochs = epochs?.copy() ?? new EpochChains()
    this.#processes = new Map(from === undefined ? [] : from.#processes)
    this.#modules = new Map(from === undefined ? [] : from.#modules)
  }

  async addProcess(description: ProcessDescription, spawnEnvelope: Uint8Array): Promise<void> {
    if (this.#processes.has(description.id)) return
    // Read back as a log on disk would: what is found later does not depend on the object given here.
    const envelope = spawnEnvelope.slice()
    const read = describeProcess(decodeEnvelope(envelope))
    this.#processes.set(description.id, { description: read, envelope })
  }

  /** What its machine had in memory is there after a crash, too. */
  async written(): Promise<void> {}

  /** Adds the processes whose slot 0 stands in these blocks. */
  async refill(blocks: Iterable<Pick<NewBlock, 'bytes' | 'firstSlot'>>): Promise<void> {
    for (const { bytes, firstSlot } of blocks) {
      const spawn = firstSlot === 0 ? decodeFrame(bytes).assignments[0] : undefined
      if (spawn !== undefined) await this.addProcess(describeProcess(spawn.envelope), encodeEnvelope(spawn.envelope))
    }
  }

  async process(id: ProcessId): Promise<ProcessDescription | undefined> {
    return this.#epochs.present(this.#processes.get(id)?.description)
  }

  processAtHand(id: ProcessId): ProcessDescription | undefined {
    return this.#epochs.present(this.#processes.get(id)?.description)
  }

  get epochs(): EpochChains {
    return this.#epochs
  }

  async addEpoch(process: ProcessId, item: Uint8Array): Promise<void> {
    this.#epochs.add(process, item)
  }

  epochItems(process: ProcessId): readonly Uint8Array[] {
    return this.#epochs.itemsOf(process)
  }

  get handedOver(): readonly ProcessId[] {
    return this.#epochs.processes
  }

  async spawnEnvelope(id: ProcessId): Promise<Uint8Array | undefined> {
    return this.#processes.get(id)?.envelope
  }

  async processes(options: { after?: ProcessId | undefined; limit: number }): Promise<readonly ProcessDescription[]> {
    return pageOf(this.#processes, options).map(({ description }) => this.#epochs.present(description))
  }

  async addModule(item: DataItem): Promise<ModuleDescription> {
    const description = describeModule(item)
    const known = this.#modules.get(description.id)
    if (known !== undefined) return known.description
    const bytes = item.bytes.slice()
    const kept = { description: { ...description, wasm: description.wasm.slice() }, item: bytes }
    this.#modules.set(description.id, kept)
    return description
  }

  async module(id: string): Promise<ModuleDescription | undefined> {
    return this.#modules.get(id)?.description
  }

  async moduleItem(id: string): Promise<Uint8Array | undefined> {
    return this.#modules.get(id)?.item
  }

  async modules(options: {
    after?: string | undefined
    limit: number
  }): Promise<readonly Omit<ModuleDescription, 'wasm'>[]> {
    return pageOf(this.#modules, options).map(({ description }) => {
      const { id, owner, format, tags } = description
      return { id: asModuleId(id), owner, format, tags }
    })
  }
}

/** In order of the ids' bytes, which is not that of their base64url. */
function pageOf<T>(map: ReadonlyMap<string, T>, options: { after?: string | undefined; limit: number }): T[] {
  const order = (id: string): string => Buffer.from(id, 'base64url').toString('latin1')
  const after = options.after === undefined ? undefined : order(options.after)
  return Array.from(map, ([id, entry]) => ({ key: order(id), entry }))
    .filter(({ key }) => after === undefined || key > after)
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .slice(0, options.limit)
    .map(({ entry }) => entry)
}
