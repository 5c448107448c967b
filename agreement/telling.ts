import type { Attestation, KeyId, ProcessId, UnitPeers } from '../protocol/index.ts'

/** Attestations that wait for one peer; more are dropped, and asked for by whoever misses them. */
const WAITING_MAX = 4096

/** Tells other compute units what this one attests: one call a peer at a time, what comes meanwhile joins the next. */
export class Telling {
  readonly #peers: Pick<UnitPeers, 'attest'>
  readonly #waiting = new Map<KeyId, Map<ProcessId, Attestation[]>>()
  readonly #running = new Set<KeyId>()

  constructor(peers: Pick<UnitPeers, 'attest'>) {
    this.#peers = peers
  }

  tell(to: KeyId, process: ProcessId, attestation: Attestation): void {
    const waiting = this.#waiting.get(to) ?? new Map<ProcessId, Attestation[]>()
    this.#waiting.set(to, waiting)
    const list = waiting.get(process)
    if (list === undefined) waiting.set(process, [attestation])
    else if (list.length < WAITING_MAX) list.push(attestation)
    if (this.#running.has(to)) return
    this.#running.add(to)
    void this.#run(to, waiting).finally(() => this.#running.delete(to))
  }

  async #run(to: KeyId, waiting: Map<ProcessId, Attestation[]>): Promise<void> {
    // Frames that were certified together go together.
    await Promise.resolve()
    for (let [next] = waiting; next !== undefined; [next] = waiting) {
      const [process, attestations] = next
      waiting.delete(process)
      // A lost one is asked for by whoever waits for it.
      await this.#peers.attest(to, process, attestations).catch(() => undefined)
    }
  }
}
