import { readFile } from 'node:fs/promises'
import type { AnyContract, AnyImplementation } from '../contract/index.ts'
import { standardModules } from '../node/index.ts'
import { AGENT_FORMAT, Failure, type ModuleId, type Tag } from '../protocol/index.ts'
import type { Client } from '../sdk/index.ts'
import { built, fileOf } from './built-agents.ts'

/** What a process can be spawned from: one that comes with Atoll, by name; a module by its id; or its bytes or file. */
export type SpawnSource = 'counter' | 'ledger' | 'registry' | 'relay' | { readonly module: string } | ModuleSource

interface ModuleSource {
  readonly wasm: Uint8Array | URL
  /** Its Module-Format; `actor`, if not given. */
  readonly format?: string | undefined
  readonly tags?: readonly Tag[] | undefined
}

interface ModuleBytes {
  readonly wasm: Uint8Array
  readonly format: string
  readonly tags: readonly Tag[]
}

/** Where a module is to be known. */
export interface ShelfPlace {
  readonly node: string
  readonly client: Client
  /** Holds time still meanwhile. */
  readonly outside: <T>(work: Promise<T>) => Promise<T>
  /** Agents that this one spawns, by the names of their contracts. */
  readonly modules?: Readonly<Record<string, AnyImplementation>> | undefined
}

type Source = SpawnSource | AnyImplementation

/** Modules of a network, each added once to each node that needs it. */
export class ModuleShelf {
  readonly #added = new Map<string, Map<Source, Promise<ModuleId>>>()
  readonly #contracts: Map<string, AnyContract>

  /** `others` is the shelf of a network that this one's was copied from. */
  constructor(others?: ModuleShelf) {
    this.#contracts = new Map(others?.contracts)
  }

  /** What the agents promise whose modules were added, by the ids of those. */
  get contracts(): ReadonlyMap<string, AnyContract> {
    return this.#contracts
  }

  /** The module of a source, known to the node of a place. @throws {Failure} `unknown-module`, `bad-program` */
  async add(source: Source, place: ShelfPlace): Promise<string> {
    if (typeof source === 'object' && 'module' in source) return source.module
    const added = this.#added.get(place.node) ?? new Map<Source, Promise<ModuleId>>()
    this.#added.set(place.node, added)
    const known = added.get(source)
    if (known !== undefined) return known
    const adding = isAgent(source) ? this.#addAgent(source, place) : addBytes(source, place)
    added.set(source, adding)
    adding.catch(() => added.delete(source))
    return adding
  }

  async #addAgent(agent: AnyImplementation, place: ShelfPlace): Promise<ModuleId> {
    const modules: Record<string, string> = {}
    for (const [name, other] of Object.entries(place.modules ?? {})) {
      modules[name] = await this.add(other, { ...place, modules: {} })
    }
    const { bytes } = await place.outside(built(fileOf(agent), modules))
    const module = await place.client.modules.add(bytes, { format: AGENT_FORMAT })
    this.#contracts.set(module, agent.contract)
    return module
  }
}

export const isAgent = (source: Source): source is AnyImplementation => typeof source === 'object' && 'kind' in source

async function addBytes(source: string | ModuleSource, { client, outside }: ShelfPlace): Promise<ModuleId> {
  const { wasm, format, tags } = await outside(bytesOf(source))
  return client.modules.add(wasm, { format, tags })
}

let standard: Promise<ReadonlyMap<string, ModuleBytes>> | undefined

async function bytesOf(source: string | ModuleSource): Promise<ModuleBytes> {
  if (typeof source === 'string') {
    standard ??= readStandard()
    const found = (await standard).get(source)
    if (found === undefined) throw new Failure('unknown-module', { module: source })
    return found
  }
  const { wasm, format = 'actor', tags = [] } = source
  return { wasm: wasm instanceof URL ? new Uint8Array(await readFile(wasm)) : wasm, format, tags }
}

async function readStandard(): Promise<ReadonlyMap<string, ModuleBytes>> {
  const modules = await standardModules()
  return new Map(
    modules.map(({ name, wasm, tags }) => {
      const format = tags.find(tag => tag.name === 'Module-Format')?.value ?? 'actor'
      const others = tags.filter(tag => tag.name !== 'Module-Format')
      return [name, { wasm, format, tags: others }] as const
    }),
  )
}
