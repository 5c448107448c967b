import {
  decodeEnvelope,
  describeProcess,
  type ProcessDescription,
  type ProcessId,
  provenEpochs,
  provenSpawn,
} from '../../protocol/index.ts'
import type { ProcessSource } from './process-source.ts'

/** Parents of parents that are followed. */
const ANCESTORS_MAX = 256

/** Descriptions of processes, each proven by its own spawn message and epoch records; whoever gives them is not believed. */
export class KnownProcesses {
  readonly #source: Pick<ProcessSource, 'spawnEnvelope' | 'epochItems'>
  readonly #known = new Map<ProcessId, ProcessDescription>()
  /** Who may hand them over: whoever signed the spawn message of the eldest ancestor. */
  readonly #owners = new Map<ProcessId, string>()

  constructor(source: Pick<ProcessSource, 'spawnEnvelope' | 'epochItems'>) {
    this.#source = source
  }

  /** Nothing, if the spawn message is not at hand. @throws {Error} saying why a spawn message does not hold */
  async process(id: ProcessId): Promise<ProcessDescription | undefined> {
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const lineage = await this.#lineage(id)
    // From the oldest on: a child's spawn message is proven by the policy of its parent.
    for (const { process, envelope } of lineage.reverse()) {
      const decoded = decodeEnvelope(envelope)
      const named = describeProcess(decoded)
      if (named.id !== process) throw new Error(`the spawn message makes ${named.id}, not ${process}`)
      const spawned = provenSpawn(decoded, named.parent && this.#known.get(named.parent))
      const owner = (spawned.parent && this.#owners.get(spawned.parent)) ?? spawned.owner
      this.#owners.set(process, owner)
      const items = (await this.#source.epochItems?.(process)) ?? []
      this.#known.set(process, provenEpochs(spawned, items, owner))
    }
    return this.#known.get(id)
  }

  /** The spawn message of a process, of its parent, and so on, up to one that is known or signed by a key. */
  async #lineage(id: ProcessId): Promise<{ process: ProcessId; envelope: Uint8Array }[]> {
    const lineage: { process: ProcessId; envelope: Uint8Array }[] = []
    for (let process: ProcessId | undefined = id; process !== undefined && !this.#known.has(process); ) {
      if (lineage.length >= ANCESTORS_MAX) throw new Error(`${id} has more than ${ANCESTORS_MAX} ancestors`)
      const envelope = await this.#source.spawnEnvelope(process)
      if (envelope === undefined) {
        if (process === id) return []
        throw new Error(`the spawn message of ${process}, an ancestor of ${id}, is not at hand`)
      }
      lineage.push({ process, envelope })
      process = describeProcess(decodeEnvelope(envelope)).parent
    }
    return lineage
  }
}
