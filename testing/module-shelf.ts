import { readFile } from 'node:fs/promises'
import { standardModules } from '../node/index.ts'
import { Failure, type ModuleId, type Tag } from '../protocol/index.ts'
import type { Client } from '../sdk/index.ts'

/** What a process can be spawned from: a process that comes with Atoll, by name; a module; or its bytes or file. */
export type SpawnSource =
  | 'counter'
  | 'ledger'
  | 'registry'
  | 'relay'
  | { readonly module: string }
  | {
      readonly wasm: Uint8Array | URL
      readonly format?: string | undefined
      readonly tags?: readonly Tag[] | undefined
    }

interface ModuleBytes {
  readonly wasm: Uint8Array
  readonly format: string
  readonly tags: readonly Tag[]
}

let standard: Promise<ReadonlyMap<string, ModuleBytes>> | undefined

/** Modules of a network, each added once to each node that needs it. */
export class ModuleShelf {
  readonly #added = new Map<string, Map<SpawnSource, Promise<ModuleId>>>()

  /** The module of a source, known to the node of `client`. `outside` is told of what is read from disk. */
  async add(
    source: SpawnSource,
    {
      node,
      client,
      outside,
    }: { node: string; client: Client; outside: <T>(reading: Promise<T>) => Promise<T> },
  ): Promise<string> {
    if (typeof source === 'object' && 'module' in source) return source.module
    const added = this.#added.get(node) ?? new Map<SpawnSource, Promise<ModuleId>>()
    this.#added.set(node, added)
    const adding = added.get(source) ?? this.#add(await outside(bytesOf(source)), client)
    added.set(source, adding)
    adding.catch(() => added.delete(source))
    return adding
  }

  #add({ wasm, format, tags }: ModuleBytes, client: Client): Promise<ModuleId> {
    return client.modules.add(wasm, { format, tags })
  }
}

async function bytesOf(source: Exclude<SpawnSource, { module: string }>): Promise<ModuleBytes> {
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
      return [
        name,
        { wasm, format, tags: tags.filter(tag => tag.name !== 'Module-Format') },
      ] as const
    }),
  )
}
