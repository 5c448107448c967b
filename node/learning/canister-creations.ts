import {
  decodeEnvelope,
  decodeIngress,
  describeProcess,
  emptyCanisterModule,
  findTag,
  type KeyId,
  type MessageId,
  type ProcessId,
  requestMessageId,
} from '../../protocol/index.ts'

export interface CanisterCreationsParts {
  readonly key: KeyId
  /** Nodes that the operator named, and that are in reach. */
  peers(): readonly KeyId[]
  /** What a node answers to `made`. */
  ask(peer: KeyId, id: MessageId): Promise<Uint8Array | undefined>
  /** Takes a process into the directory, if the spawn message that a node has of it proves it. */
  learn(peer: KeyId, process: ProcessId): Promise<{ readonly id: ProcessId } | undefined>
  spawnEnvelope(process: ProcessId): Promise<Uint8Array | undefined>
}

interface Creation {
  /** Nothing is asked any more: it is made here. */
  isMade: boolean
  /** Nodes that were let go first. */
  readonly first: Set<KeyId>
  readonly ended: Promise<ProcessId>
}

/**
 * Requests for canisters, each of which makes one, whichever of the nodes that know each other it comes to, and however often.
 *
 * 1. Before a node makes one it asks the others whether they have. It believes those that its operator named: anybody can make a
 *    canister of a request that is seen in a feed, and would have it for good.
 * 2. Of nodes that ask each other at once the one with the smallest key goes first; the others wait for what it makes, or, if they let
 *    it go on when they had asked it already, ask it again.
 * 3. A node that does not answer is not waited for long: in time one of several that cannot hear each other makes another.
 */
export class CanisterCreations {
  readonly #parts: CanisterCreationsParts
  readonly #running = new Map<MessageId, Creation>()
  #known: (id: MessageId) => Promise<ProcessId | undefined> = async () => undefined

  constructor(parts: CanisterCreationsParts) {
    this.#parts = parts
  }

  /** Tells others what `known` says that a request made. */
  tell(known: (id: MessageId) => Promise<ProcessId | undefined>): void {
    this.#known = known
  }

  /** The process of a request: what another node has made, or what `make` makes. One call at a time for each request. */
  async once(id: MessageId, make: () => Promise<ProcessId>): Promise<ProcessId> {
    const { promise: ended, resolve, reject } = Promise.withResolvers<ProcessId>()
    ended.catch(() => undefined)
    const creation: Creation = { isMade: false, first: new Set(), ended }
    this.#running.set(id, creation)
    try {
      const process = (await this.#elsewhere(id, creation)) ?? (await make())
      resolve(process)
      return process
    } catch (error) {
      reject(error)
      throw error
    } finally {
      this.#running.delete(id)
    }
  }

  /** The spawn message of the process that a request made, for a node that would make it otherwise. */
  async made(id: MessageId, from: KeyId): Promise<Uint8Array | undefined> {
    const running = this.#running.get(id)
    if (running?.isMade === false && from < this.#parts.key && this.#parts.peers().includes(from)) {
      running.first.add(from)
      return undefined
    }
    const process = (await running?.ended.catch(() => undefined)) ?? (await this.#known(id))
    return process && this.#parts.spawnEnvelope(process)
  }

  async #elsewhere(id: MessageId, creation: Creation): Promise<ProcessId | undefined> {
    const { first } = creation
    for (let asked: readonly KeyId[] = this.#parts.peers(); asked.length > 0; asked = [...first]) {
      for (const peer of asked) first.delete(peer)
      const answers = await Promise.all(asked.map(peer => this.#ask(peer, id).catch(() => undefined)))
      const found = answers.find(answer => answer !== undefined)
      if (found !== undefined) return found
    }
    creation.isMade = true
    return undefined
  }

  async #ask(peer: KeyId, id: MessageId): Promise<ProcessId | undefined> {
    const { ask, learn } = this.#parts
    const bytes = await ask(peer, id)
    if (bytes === undefined) return undefined
    const { id: process, module, tags, data } = describeProcess(decodeEnvelope(bytes))
    const isOfRequest =
      findTag(tags, 'Canister-Request') === 'ingress' && requestMessageId(decodeIngress(data).id) === id
    if (!isOfRequest || module !== emptyCanisterModule().id) return undefined
    return (await learn(peer, process))?.id
  }
}
