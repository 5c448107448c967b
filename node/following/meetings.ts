import type { KeyId } from '../../protocol/index.ts'

/** Nodes that are linked now, and word of each change. */
export interface LinkedNodes {
  readonly peers: readonly KeyId[]
  watch(changed: () => void): () => void
}

/** Tells whoever waits for a node that it is linked again, so that nobody has to try until it is. */
export class Meetings implements Disposable {
  readonly #nodes: LinkedNodes
  readonly #waiting = new Map<KeyId, Set<() => void>>()
  readonly #stop: () => void
  #linked: ReadonlySet<KeyId>

  constructor(nodes: LinkedNodes) {
    this.#nodes = nodes
    this.#linked = new Set(nodes.peers)
    this.#stop = nodes.watch(() => this.#changed())
  }

  /** Calls `met` once one of these nodes is linked that is not now; gives what ends that. */
  await(nodes: readonly KeyId[], met: () => void): Disposable {
    for (const node of nodes) {
      const waiting = this.#waiting.get(node) ?? new Set()
      this.#waiting.set(node, waiting)
      waiting.add(met)
    }
    return { [Symbol.dispose]: () => this.#forget(nodes, met) }
  }

  [Symbol.dispose](): void {
    this.#stop()
    this.#waiting.clear()
  }

  #changed(): void {
    const before = this.#linked
    this.#linked = new Set(this.#nodes.peers)
    for (const node of this.#linked) {
      if (before.has(node)) continue
      for (const met of [...(this.#waiting.get(node) ?? [])]) met()
    }
  }

  #forget(nodes: readonly KeyId[], met: () => void): void {
    for (const node of nodes) {
      const waiting = this.#waiting.get(node)
      if (waiting?.delete(met) === true && waiting.size === 0) this.#waiting.delete(node)
    }
  }
}
