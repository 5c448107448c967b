import {
  type Computer,
  decodeFrame,
  decodeIngress,
  decodePushBody,
  type Envelope,
  Failure,
  findFrame,
  findTag,
  type KeyId,
  type Log,
  type MessageId,
  messagesFeed,
  type Peers,
  type ProcessDescription,
  type ProcessId,
  parseDataItem,
  pushId,
  type Push,
  type Result,
  type Slot,
  TRACE_NODES_MAX,
  type Trace,
  type TraceNode,
} from '../protocol/index.ts'
import type { EffectDesk } from './effects/effect-desk.ts'
import type { Timings } from './timings.ts'

export interface TraceParts {
  readonly log: Log
  readonly computer: Computer
  readonly timings: Timings
  /** Key of this node's scheduler: what it does not schedule is looked up elsewhere. */
  readonly scheduler: KeyId
  readonly peers: Pick<Peers, 'trace'> | undefined
  describe?(process: ProcessId): Promise<ProcessDescription | undefined>
  readonly effects: Pick<EffectDesk, 'isFor' | 'outcomeOf'> | undefined
}

interface Growing {
  nodes: number
  settled: boolean
  truncated: boolean
}

/** The message tree below the message in `slot` of `process`, as far as it has grown. */
export async function readTrace(parts: TraceParts, process: ProcessId, slot: Slot, id: MessageId): Promise<Trace> {
  const growing: Growing = { nodes: 0, settled: true, truncated: false }
  const { envelope, timestampMs } = await assignmentAt(parts.log, process, slot)
  const root = await grow(parts, { ...labelOf(envelope, slot), id, process, slot, scheduledMs: timestampMs }, growing)
  return { root, settled: growing.settled, truncated: growing.truncated }
}

type Sprout = Pick<TraceNode, 'id' | 'process' | 'slot' | 'label' | 'kind' | 'scheduledMs'>

async function grow(parts: TraceParts, sprout: Sprout, growing: Growing): Promise<TraceNode> {
  growing.nodes += 1
  const { process, slot } = sprout
  if (slot === undefined) return absent(parts, sprout, growing)
  if (slot >= (await parts.computer.evaluated(process))) {
    growing.settled = false
    return { ...sprout, status: 'scheduled', evaluatedMs: undefined, gas: undefined, error: undefined, children: [] }
  }
  const result = await parts.computer.result(process, slot)
  const children = await branches(parts, result, growing)
  const { status, gas, error } = result
  return { ...sprout, status, gas, error, evaluatedMs: parts.timings.evaluatedMs(process, slot), children }
}

/** A message without a slot: it is on its way, lives with another node, or goes to somebody who is no process. */
async function absent(parts: TraceParts, sprout: Sprout, growing: Growing): Promise<TraceNode> {
  const { log, describe, peers, scheduler } = parts
  const { process, kind, id } = sprout
  const pending: TraceNode = { ...sprout, status: 'pending', evaluatedMs: undefined, gas: undefined, error: undefined, children: [] }
  try {
    const known = (await log.directory.process(process)) ?? (await describe?.(process))
    if (known === undefined && kind !== 'spawn') return { ...pending, status: 'external' }
    const schedulers = known?.policy.schedulers ?? []
    const [home] = schedulers
    if (peers !== undefined && home !== undefined && !schedulers.includes(scheduler)) {
      const trace = await peers.trace(home, process, id)
      growing.settled &&= trace.settled
      growing.truncated ||= trace.truncated
      growing.nodes += countOf(trace.root) - 1
      return trace.root
    }
  } catch {
    // Whoever could tell cannot be reached, or has not got it yet.
  }
  growing.settled = false
  return pending
}

function countOf({ children }: TraceNode): number {
  return children.reduce((count, child) => count + countOf(child), 1)
}

async function branches(parts: TraceParts, result: Result, growing: Growing): Promise<TraceNode[]> {
  const children: TraceNode[] = []
  for (const push of result.outbox) {
    if (growing.nodes >= TRACE_NODES_MAX) {
      growing.truncated = true
      break
    }
    const sprout = await sproutOf(parts, push)
    const isEffect = parts.effects?.isFor(push) === true
    children.push(await (isEffect ? effect(parts, push.core.from, sprout, growing) : grow(parts, sprout, growing)))
  }
  for (const { message, process } of result.assigns) {
    if (growing.nodes >= TRACE_NODES_MAX) break
    const [id, to] = [message as MessageId, process as ProcessId]
    const slot = await parts.log.messages.slotOf(to, id)
    const sprout = { id, process: to, slot, label: 'assignment', kind: 'assigned' as const, scheduledMs: undefined }
    children.push(await grow(parts, sprout, growing))
  }
  return children
}

/** An effect has no slot anywhere; below it stands the message that told its process what came of it. */
async function effect(parts: TraceParts, process: ProcessId, sprout: Sprout, growing: Growing): Promise<TraceNode> {
  growing.nodes += 1
  const bare = { ...sprout, evaluatedMs: undefined, gas: undefined, error: undefined }
  const id = await parts.effects?.outcomeOf(sprout.id)
  const slot = id === undefined ? undefined : await parts.log.messages.slotOf(process, id)
  if (id === undefined || slot === undefined) {
    growing.settled = false
    return { ...bare, status: 'pending', children: [] }
  }
  const { envelope, timestampMs } = await assignmentAt(parts.log, process, slot)
  const outcome = await grow(parts, { ...labelOf(envelope, slot), id, process, slot, scheduledMs: timestampMs }, growing)
  return { ...bare, status: 'external', children: [outcome] }
}

async function sproutOf(parts: TraceParts, push: Push): Promise<Sprout> {
  const id = pushId(push.coreBytes)
  const process = push.core.to
  const slot = await parts.log.messages.slotOf(process, id)
  const scheduledMs = slot === undefined ? undefined : await scheduledAt(parts, process, slot)
  return { ...labelOfPush(push), id, process, slot, scheduledMs }
}

async function scheduledAt(parts: TraceParts, process: ProcessId, slot: Slot): Promise<number> {
  return (await assignmentAt(parts.log, process, slot)).timestampMs
}

/** What stands in a slot. @throws {Failure} `unknown-process`, `unknown-slot` */
export async function assignmentAt(
  log: Log,
  process: ProcessId,
  slot: Slot,
): Promise<{ envelope: Envelope; timestampMs: number }> {
  const description = await log.directory.process(process)
  if (description === undefined) throw new Failure('unknown-process', { process })
  const frame = await findFrame(log, messagesFeed(description), slot)
  const assignment = frame && decodeFrame(frame.bytes).assignments[slot - frame.firstSlot]
  if (assignment === undefined) throw new Failure('unknown-slot', { process, slot })
  return assignment
}

function labelOf(envelope: Envelope, slot: Slot): Pick<TraceNode, 'label' | 'kind'> {
  switch (envelope.kind) {
    case 'item': {
      const { tags } = parseDataItem(envelope.item)
      return slot === 0 ? { label: labelOfSpawn(tags), kind: 'spawn' } : { label: labelOfTags(tags), kind: 'message' }
    }
    case 'push':
      return labelOfPush(envelope.push)
    case 'assign':
      return { label: labelOf(envelope.message, 1).label, kind: 'assigned' }
    case 'ingress':
      return { label: decodeIngress(envelope.bytes).request.method, kind: 'message' }
    case 'tick':
      return { label: 'tick', kind: 'tick' }
    case 'reject':
      return { label: `reject (${envelope.reason})`, kind: 'message' }
  }
}

function labelOfPush(push: Push): Pick<TraceNode, 'label' | 'kind'> {
  const body = decodePushBody(push.bodyBytes)
  return body.kind === 'spawn'
    ? { label: labelOfSpawn(body.tags), kind: 'spawn' }
    : { label: labelOfTags(body.tags), kind: 'message' }
}

type Tags = Parameters<typeof findTag>[0]

const labelOfTags = (tags: Tags): string => {
  const action = findTag(tags, 'Action') ?? 'message'
  return action === 'Effect' ? `effect ${findTag(tags, 'Effect') ?? ''}`.trim() : action
}
const labelOfSpawn = (tags: Tags): string => `spawn ${findTag(tags, 'Name') ?? ''}`.trim()

