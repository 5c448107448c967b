import {
  decodeEnvelope,
  encodeEnvelope,
  Failure,
  type KeyId,
  messagesFeed,
  type ModuleId,
  type Peers,
  type ProcessId,
  type ScheduleRequest,
} from '../protocol/index.ts'
import type { Packet } from './faults.ts'
import type { Network } from './network.ts'
import type { NodeRun } from './node-run.ts'

export interface MemoryPeersParts {
  readonly network: Network<NodeRun>
  readonly self: NodeRun
  /** Names of all other nodes, up or not. */
  readonly others: readonly string[]
  nameOf(key: KeyId): string | undefined
}

/** Blocks of a feed that one answer holds. */
const FRAMES_PER_ANSWER = 64

/** The other nodes of a network in memory. What goes there is encoded and decoded, as over a wire: nothing is shared. */
export function memoryPeers(parts: MemoryPeersParts): Peers {
  const ask = <T>(
    node: string,
    what: string,
    serve: (there: NodeRun) => Promise<T>,
    about?: Partial<Packet>,
  ): Promise<T> =>
    parts.network.call(
      parts.self,
      { fromNode: parts.self.name, toNode: node, from: [], to: [], ...about },
      what,
      serve,
    )
  const nodeOf = (key: KeyId): string => {
    const name = parts.nameOf(key)
    if (name === undefined)
      throw new Failure('unreachable', { key }, { note: 'no node of this network has that key' })
    return name
  }
  /** The first, in order of nodes, who has it. @throws {Failure} `unreachable` if nobody has it and somebody did not answer */
  const anybody = async <T>(
    what: string,
    find: (there: NodeRun) => Promise<T | undefined>,
  ): Promise<T | undefined> => {
    const answers = await Promise.allSettled(parts.others.map(name => ask(name, what, find)))
    for (const answer of answers)
      if (answer.status === 'fulfilled' && answer.value !== undefined) return answer.value
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
    moduleItem: (module: ModuleId) =>
      anybody(`who has ${module}`, there => there.log.directory.moduleItem(module)),
    frames: (scheduler, process, from) =>
      ask(nodeOf(scheduler), `frames of ${process}`, async there => {
        const description = await there.log.directory.process(process)
        if (description === undefined) throw new Failure('unknown-process', { process })
        return Array.fromAsync(
          there.log.blocks(messagesFeed(description), from, from + FRAMES_PER_ANSWER),
        )
      }),
    announce: (node, processes) =>
      ask(nodeOf(node), `announce ${processes.length}`, async there => {
        for (const process of processes) void there.following.keepUp(process).catch(() => undefined)
      }),
    trace: (scheduler, process, message) =>
      ask(nodeOf(scheduler), `trace ${message}`, there =>
        there.units.messenger.trace(message, { process }),
      ),
  }
}

/** From which processes to which the pushes among some requests go. */
export function between(requests: readonly ScheduleRequest[]): Pick<Packet, 'from' | 'to'> {
  const from = requests.flatMap(({ envelope }) =>
    envelope.kind === 'push' ? [envelope.push.core.from] : [],
  )
  return { from: [...new Set(from)], to: [...new Set(requests.map(({ process }) => process))] }
}
