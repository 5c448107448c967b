import type { EvidenceBook, HeadExchange } from '../../evidence/index.ts'
import {
  canisterSpawn,
  type CallOptions,
  type Directory,
  encodeNativeAnswer,
  Failure,
  type Log,
  type Messenger,
  type NativeCall,
  type Operations,
  type PeerCall,
  readNativeCall,
  rowOf,
  messagesFeed,
  PEER_BLOCKS_MAX,
  PEER_BLOCKS_MAX_BYTES,
  type PeerOperations,
  type ProcessId,
  type ScheduleAnswer,
  type Scheduler,
  type ScheduleRequest,
  type SignedBlocks,
} from '../../protocol/index.ts'
import type { SchedulerUnit } from '../../scheduler-unit/index.ts'
import type { UnitService } from '../../agreement/index.ts'
import type { CanisterCreations } from '../learning/canister-creations.ts'
import type { HandoverDesk } from '../handovers/handover-desk.ts'
import type { Handovers } from '../handovers/handovers.ts'
import type { PeerRecords } from './peer-records.ts'
import type { ProcessFollowing } from '../following/process-following.ts'

export interface PeerServiceParts {
  readonly log: Pick<Log, 'signed'> & {
    readonly directory: Pick<Directory, 'process' | 'processes' | 'spawnEnvelope' | 'moduleItem'>
  }
  readonly scheduler: Pick<SchedulerUnit, 'schedule' | 'coSign'>
  readonly messenger: Pick<Messenger, 'trace'>
  readonly service: UnitService
  readonly following: Pick<ProcessFollowing, 'announced'>
  readonly records: Pick<PeerRecords, 'shared' | 'ofEach'>
  readonly handovers: Pick<Handovers, 'told' | 'allOf'>
  readonly desk: Pick<HandoverDesk, 'hold'>
  readonly creations: Pick<CanisterCreations, 'made'>
  readonly evidence: {
    readonly book: Pick<EvidenceBook, 'take' | 'lacks'>
    readonly heads: Pick<HeadExchange, 'shown' | 'prefix'> | undefined
  }
  /** What this node can do by itself: a call is not handed on, or it could go in circles. */
  readonly operations: Operations
}

/** What this node does for its peers. Nobody is believed: whatever changes something proves itself, as if it came over HTTP. */
export function createPeerService(parts: PeerServiceParts): PeerOperations {
  const { log, scheduler, messenger, service, following, records, operations, evidence, handovers, desk, creations } =
    parts
  return {
    schedule: requests => scheduleProven(scheduler, requests),
    spawnEnvelope: process => log.directory.spawnEnvelope(process),
    canister: principal => canisterSpawn(log.directory, principal),
    made: (request, { from }) => creations.made(request, from),
    moduleItem: module => log.directory.moduleItem(module),
    frames: ({ process, from }) => readBlocks(log, process, from),
    announce: (processes, { from }) => following.announced(processes, from),
    records: async keys => (keys.length === 0 ? records.shared : records.ofEach(keys)),
    coSign: (request, { from }) => scheduler.coSign(from, request),
    heads: (heads, { from }) => evidence.heads?.shown(heads, from) ?? DONE,
    prefix: async wish => evidence.heads?.prefix(wish),
    evidence: async (bytes, { from }) => {
      await evidence.book.take(bytes, from)
    },
    lackedComplaints: async ids => evidence.book.lacks(ids),
    epoch: (item, { from }) => handovers.told(item, from),
    epochs: async process => handovers.allOf(process),
    holdEpoch: item => desk.hold(item),
    trace: ({ process, message, bounds }) => messenger.trace(message, { process, bounds }),
    attest: async ({ process, what }, { from }) => void (await service.attest(process, what, from)),
    attestations: ({ process, from }) => service.attestations(process, from),
    finalFrames: ({ process, slot, waitMs }, call) => service.finalFrames(process, slot, waitMs, call),
    readState: ({ process, what }, call) => service.read(process, what, call),
    timersChanged: async process => void service.timersChanged(process),
    expectedSeq: ({ to, from }) => service.expectedSeq(to, from),
    call: async (request, call) =>
      encodeNativeAnswer(await carryOut<Promise<unknown>>(operations, request, call, false)),
    async *follow(request, call) {
      for await (const value of carryOut<AsyncIterable<unknown>>(operations, request, call, true))
        yield encodeNativeAnswer(value)
    },
  }
}

const DONE = Promise.resolve()

/** Runs an operation of the native API, which must give one answer or many as it was asked for. */
function carryOut<T>(operations: Operations, request: NativeCall, { signal }: PeerCall, isStream: boolean): T {
  const { name, input } = readNativeCall(request)
  if ((rowOf(name).answer.kind === 'stream') !== isStream) {
    throw new Failure('malformed-request', { operation: name })
  }
  return (operations[name] as (input: unknown, options: CallOptions) => T)(input, { signal })
}

/** Ticks and rejects are a scheduler's own; a push must bring its proof. */
async function scheduleProven(
  scheduler: Pick<Scheduler, 'schedule'>,
  requests: readonly ScheduleRequest[],
): Promise<readonly ScheduleAnswer[]> {
  const taken = requests.filter(isProven)
  const given = taken.length === 0 ? [] : await scheduler.schedule(taken)
  const answers = new Map(taken.map((request, at) => [request, given[at]]))
  return requests.map(
    request =>
      answers.get(request) ?? {
        status: 'failed',
        failure: new Failure('bad-certificate', { process: request.process }),
      },
  )
}

function isProven({ envelope }: ScheduleRequest): boolean {
  return (
    envelope.kind === 'item' ||
    envelope.kind === 'ingress' ||
    envelope.kind === 'assign' ||
    (envelope.kind === 'push' && envelope.proof !== undefined)
  )
}

async function readBlocks(
  log: PeerServiceParts['log'],
  id: ProcessId,
  from: number,
): Promise<SignedBlocks | undefined> {
  const process = await log.directory.process(id)
  if (process === undefined) throw new Failure('unknown-process', { process: id })
  return log.signed(messagesFeed(process), from, { bytes: PEER_BLOCKS_MAX_BYTES, blocks: PEER_BLOCKS_MAX })
}
