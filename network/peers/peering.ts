import {
  type CallOptions,
  type CoSigners,
  type CoSignRequest,
  decodeEnvelope,
  describeProcess,
  encodeEnvelope,
  Failure,
  type KeyId,
  type ModuleId,
  parseDataItem,
  PEER_SCHEDULE_MAX,
  PEER_SCHEDULE_MAX_BYTES,
  type Peers,
  PEERS_ASKED_MAX,
  principalOf,
  principalText,
  type ProcessId,
  type ScheduleAnswer,
  type ScheduleRequest,
  type UnitPeers,
  verifyDataItem,
} from '../../protocol/index.ts'
import type { Network } from '../network.ts'

/** The other nodes as the units know them. */
export class Peering implements Peers, CoSigners {
  readonly units: UnitPeers
  readonly #network: Pick<Network, 'call' | 'peers'>

  constructor(network: Pick<Network, 'call' | 'peers'>) {
    this.#network = network
    this.units = unitPeers(network)
  }

  async schedule(
    scheduler: KeyId,
    requests: readonly ScheduleRequest[],
    options?: CallOptions,
  ): Promise<readonly ScheduleAnswer[]> {
    const answers: ScheduleAnswer[] = []
    for (const some of inPieces(requests)) {
      const given = await this.#network.call(scheduler, 'schedule', some, options)
      if (given.length !== some.length)
        throw new Failure('unreachable', { peer: scheduler }, { note: 'not an answer for each message' })
      answers.push(...given)
    }
    return answers
  }

  spawnEnvelope(process: ProcessId, options?: CallOptions): Promise<Uint8Array | undefined> {
    return this.#fromAnybody(process, isSpawnOf, peer => this.#network.call(peer, 'spawnEnvelope', process, options))
  }

  spawnEnvelopeOf(node: KeyId, process: ProcessId, options?: CallOptions): Promise<Uint8Array | undefined> {
    return this.#network.call(node, 'spawnEnvelope', process, options)
  }

  canister(principal: Uint8Array, options?: CallOptions): Promise<Uint8Array | undefined> {
    return this.#fromAnybody(principalText(principal), isCanister, peer =>
      this.#network.call(peer, 'canister', principal, options),
    )
  }

  moduleItem(module: ModuleId, options?: CallOptions): Promise<Uint8Array | undefined> {
    return this.#fromAnybody(module, isItemOf, peer => this.#network.call(peer, 'moduleItem', module, options))
  }

  frames(scheduler: KeyId, process: ProcessId, from: number, options?: CallOptions): ReturnType<Peers['frames']> {
    return this.#network.call(scheduler, 'frames', { process, from }, options)
  }

  announce(node: KeyId, processes: readonly ProcessId[], options?: CallOptions): Promise<void> {
    return this.#network.call(node, 'announce', processes, options)
  }

  coSign(scheduler: KeyId, request: CoSignRequest, options?: CallOptions): ReturnType<CoSigners['coSign']> {
    return this.#network.call(scheduler, 'coSign', request, options)
  }

  trace(
    scheduler: KeyId,
    ...[process, message, bounds, options]: Tail<Parameters<Peers['trace']>>
  ): ReturnType<Peers['trace']> {
    return this.#network.call(scheduler, 'trace', { process, message, bounds }, options)
  }

  /**
   * The first thing of the right id that a peer has; a few peers are asked at once.
   * @throws {Failure} `unreachable` if nobody has it and somebody did not answer, or there is nobody
   */
  async #fromAnybody(
    id: string,
    fits: (bytes: Uint8Array, id: string) => boolean,
    ask: (peer: KeyId) => Promise<Uint8Array | undefined>,
  ): Promise<Uint8Array | undefined> {
    const { peers } = this.#network
    if (peers.length === 0) throw new Failure('unreachable', { id }, { note: 'no peer is connected' })
    let failed: unknown
    for (let at = 0; at < peers.length; at += PEERS_ASKED_MAX) {
      const asked = peers.slice(at, at + PEERS_ASKED_MAX).map(async peer => {
        const bytes = await ask(peer)
        if (bytes === undefined || !fits(bytes, id)) throw new Failure('not-found', { id })
        return bytes
      })
      try {
        return await Promise.any(asked)
      } catch (error) {
        const errors: unknown[] = error instanceof AggregateError ? error.errors : [error]
        failed ??= errors.find(one => !Failure.is(one, 'not-found'))
      }
    }
    if (failed !== undefined) throw failed
    return undefined
  }
}

/** Compute units and schedulers, by their keys. */
function unitPeers(network: Pick<Network, 'call'>): UnitPeers {
  return {
    async attest(to, process, attestations, options) {
      await network.call(to, 'attest', { process, what: attestations }, options)
    },
    attestations: (unit, process, from, options) => network.call(unit, 'attestations', { process, from }, options),
    finalFrames: (unit, process, slot, waitMs, options) =>
      network.call(unit, 'finalFrames', { process, slot, waitMs }, options),
    read: (unit, process, read, options) => network.call(unit, 'readState', { process, what: read }, options),
    async timersChanged(scheduler, process, options) {
      await network.call(scheduler, 'timersChanged', process, options)
    },
    expectedSeq: (scheduler, to, from, options) => network.call(scheduler, 'expectedSeq', { to, from }, options),
  }
}

type Tail<T extends readonly unknown[]> = T extends readonly [unknown, ...infer Rest] ? Rest : never

/** Requests in groups that one call can carry. */
function* inPieces(requests: readonly ScheduleRequest[]): Generator<readonly ScheduleRequest[]> {
  let piece: ScheduleRequest[] = []
  let bytes = 0
  for (const request of requests) {
    const size = encodeEnvelope(request.envelope).length
    if (piece.length > 0 && (piece.length === PEER_SCHEDULE_MAX || bytes + size > PEER_SCHEDULE_MAX_BYTES)) {
      yield piece
      piece = []
      bytes = 0
    }
    piece.push(request)
    bytes += size
  }
  if (piece.length > 0) yield piece
}

/** Whether bytes are an envelope of that id; the rest is checked by whoever asked. */
function isSpawnOf(bytes: Uint8Array, process: string): boolean {
  return spawned(bytes) === process
}

function isCanister(bytes: Uint8Array, principal: string): boolean {
  const process = spawned(bytes)
  return process !== undefined && principalText(principalOf(process)) === principal
}

function spawned(bytes: Uint8Array): ProcessId | undefined {
  try {
    return describeProcess(decodeEnvelope(bytes)).id
  } catch {
    return undefined
  }
}

function isItemOf(bytes: Uint8Array, module: string): boolean {
  try {
    const item = parseDataItem(bytes)
    return item.id === module && verifyDataItem(item)
  } catch {
    return false
  }
}
