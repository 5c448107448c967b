import {
  canisterSpawn,
  type CoSigners,
  decodeCoSignAnswer,
  decodeCoSignRequest,
  encodeCoSignAnswer,
  encodeCoSignRequest,
  decodeAttestations,
  decodeEnvelope,
  decodeFinalFrames,
  decodeUnitRead,
  encodeAttestations,
  encodeEnvelope,
  encodeFinalFrames,
  encodeUnitRead,
  Failure,
  type KeyId,
  messagesFeed,
  PEER_BLOCKS_MAX,
  type ModuleId,
  PEER_OPERATIONS,
  type Peers,
  principalText,
  type ProcessId,
  type ScheduleRequest,
  type SignedBlocks,
  type UnitPeers,
} from '../../protocol/index.ts'
import type { Packet } from '../simulation/faults.ts'
import type { Network } from '../simulation/network.ts'
import { nodeKeys } from '../simulation/node-keys.ts'
import type { NodeRun } from '../simulation/node-run.ts'
import type { HandoverNet } from '../simulation/sim-handovers.ts'

export interface MemoryPeersParts {
  readonly network: Network<NodeRun>
  readonly self: NodeRun
  /** Names of all other nodes, up or not. */
  readonly others: readonly string[]
  nameOf(key: KeyId): string | undefined
}

/** Hands evidence to all other nodes that can be reached. */
export function shareEvidence({ network, self, others }: Omit<MemoryPeersParts, 'nameOf'>, bytes: Uint8Array): void {
  for (const toNode of others) {
    const packet = { fromNode: self.name, toNode, from: [], to: [] }
    network.call(self, packet, 'evidence', there => there.evidence.take(bytes)).catch(() => undefined)
  }
}

/** What nodes tell each other of processes that are handed over, and ask. */
export function handoverNet({ network, self, others, nameOf }: MemoryPeersParts): HandoverNet {
  const call = <T>(to: KeyId, what: string, serve: (there: NodeRun) => Promise<T>): Promise<T> => {
    const toNode = nameOf(to)
    if (toNode === undefined) return Promise.reject(new Failure('unreachable', { key: to }))
    return network.call(self, { fromNode: self.name, toNode, from: [], to: [] }, what, serve)
  }
  return {
    // Up or not: who is down is told once it is up.
    peers: others.map(name => nodeKeys(name).key),
    tell: (to, item) => call(to, 'a handover', there => there.moves.handovers.told(item, self.key)),
    ask: (from, process) => call(from, `handovers of ${process}`, async there => there.moves.handovers.allOf(process)),
    hold: (to, item) => call(to, 'an order to hold', there => there.moves.desk.hold(item)),
  }
}

/** Blocks of a feed that one answer holds. */
const FRAMES_MAX_BYTES = 256 * 1024
const { encode, decode } = PEER_OPERATIONS.frames.answer
const copyOf = (piece: SignedBlocks | undefined): SignedBlocks | undefined => decode(encode(piece))

/** The other nodes of a network in memory. What goes there is encoded and decoded, as over a wire: nothing is shared. */
export function memoryPeers(parts: MemoryPeersParts): Peers & CoSigners {
  const ask = <T>(
    node: string,
    what: string,
    serve: (there: NodeRun) => Promise<T>,
    about?: Partial<Packet>,
  ): Promise<T> =>
    parts.network.call(parts.self, { fromNode: parts.self.name, toNode: node, from: [], to: [], ...about }, what, serve)
  const nodeOf = (key: KeyId): string => {
    const name = parts.nameOf(key)
    if (name === undefined) throw new Failure('unreachable', { key }, { note: 'no node of this network has that key' })
    return name
  }
  /** The first, in order of nodes, who has it. @throws {Failure} `unreachable` if nobody has it and somebody did not answer */
  const anybody = async <T>(what: string, find: (there: NodeRun) => Promise<T | undefined>): Promise<T | undefined> => {
    const answers = await Promise.allSettled(parts.others.map(name => ask(name, what, find)))
    for (const answer of answers) if (answer.status === 'fulfilled' && answer.value !== undefined) return answer.value
    for (const answer of answers) if (answer.status === 'rejected') throw answer.reason
    return undefined
  }
  return {
    async schedule(scheduler, requests) {
      const encoded = requests.map(({ process, envelope }) => ({
        process,
        bytes: encodeEnvelope(envelope),
      }))
      return ask(
        nodeOf(scheduler),
        `schedule ${requests.length}`,
        there =>
          there.units.scheduler.schedule(
            encoded.map(one => ({ process: one.process, envelope: decodeEnvelope(one.bytes) })),
          ),
        between(requests),
      )
    },
    spawnEnvelope: (process: ProcessId) =>
      anybody(`who has ${process}`, there => there.log.directory.spawnEnvelope(process)),
    spawnEnvelopeOf: (node, process) =>
      ask(nodeOf(node), `who has ${process}`, there => there.log.directory.spawnEnvelope(process)),
    canister: principal =>
      anybody(`who has ${principalText(principal)}`, there => canisterSpawn(there.log.directory, principal)),
    moduleItem: (module: ModuleId) => anybody(`who has ${module}`, there => there.log.directory.moduleItem(module)),
    frames: (scheduler, process, from) =>
      ask(nodeOf(scheduler), `frames of ${process}`, async there => {
        const description = await there.log.directory.process(process)
        if (description === undefined) throw new Failure('unknown-process', { process })
        return copyOf(
          await there.log.signed(messagesFeed(description), from, { bytes: FRAMES_MAX_BYTES, blocks: PEER_BLOCKS_MAX }),
        )
      }),
    coSign: async (scheduler, request) => {
      const bytes = encodeCoSignRequest(request)
      const answer = await ask(nodeOf(scheduler), `${request.kind} ${request.process}`, async there =>
        encodeCoSignAnswer(await there.units.scheduler.coSign(parts.self.key, decodeCoSignRequest(bytes))),
      )
      return decodeCoSignAnswer(answer)
    },
    announce: (node, processes) =>
      ask(nodeOf(node), `announce ${processes.length}`, async there => {
        for (const process of processes) there.following.grown(process)
      }),
    trace: (scheduler, process, message, bounds) =>
      ask(nodeOf(scheduler), `trace ${message}`, there => there.units.messenger.trace(message, { process, bounds })),
    units: unitPeers((key, what, serve) => ask(nodeOf(key), what, serve)),
  }
}

/** What is asked of compute units elsewhere, and told to them. */
function unitPeers(ask: <T>(key: KeyId, what: string, serve: (there: NodeRun) => Promise<T>) => Promise<T>): UnitPeers {
  return {
    attest(to, process, attestations) {
      const bytes = encodeAttestations(attestations)
      return ask(to, `attest ${process}`, there => there.units.service.attest(process, decodeAttestations(bytes)))
    },
    async attestations(unit, process, from) {
      const bytes = await ask(unit, `attestations of ${process}`, async there =>
        encodeAttestations(await there.units.service.attestations(process, from)),
      )
      return decodeAttestations(bytes)
    },
    async finalFrames(unit, process, slot, waitMs, options) {
      const bytes = await ask(unit, `final frames of ${process}`, async there =>
        encodeFinalFrames(await there.units.service.finalFrames(process, slot, waitMs, options)),
      )
      return decodeFinalFrames(bytes)
    },
    read(unit, process, read, options) {
      const bytes = encodeUnitRead(read)
      return ask(unit, `${read.kind} of ${process}`, there =>
        there.units.service.read(process, decodeUnitRead(bytes), options),
      )
    },
    timersChanged: (scheduler, process) =>
      ask(scheduler, `timers of ${process}`, async there => there.units.service.timersChanged(process)),
    expectedSeq: (scheduler, to, from) =>
      ask(scheduler, `seq from ${from} to ${to}`, there => there.units.service.expectedSeq(to, from)),
  }
}

/** From which processes to which the pushes among some requests go. */
export function between(requests: readonly ScheduleRequest[]): Pick<Packet, 'from' | 'to'> {
  const from = requests.flatMap(({ envelope }) => (envelope.kind === 'push' ? [envelope.push.core.from] : []))
  return { from: [...new Set(from)], to: [...new Set(requests.map(({ process }) => process))] }
}
