import {
  type Computer,
  decodeFrame,
  decodeIngress,
  decodePushBody,
  type Envelope,
  Failure,
  findFrame,
  findTag,
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
  TRACE_LEVELS_MAX,
  TRACE_NODES_MAX,
  type Trace,
  type TraceBounds,
  type TraceNode,
} from '../protocol/index.ts'
import type { EffectDesk } from './effects/effect-desk.ts'
import type { Routes } from './routes.ts'
import type { Timings } from './timings.ts'

export interface TraceParts {
  readonly log: Log
  readonly computer: Computer
  readonly timings: Timings
  /** What this node does not schedule is looked up elsewhere. */
  readonly routes: Pick<Routes, 'fromOne'>
  readonly peers: Pick<Peers, 'trace'> | undefined
  describe?(process: ProcessId): Promise<ProcessDescription | undefined>
  readonly effects: Pick<EffectDesk, 'isFor' | 'outcomeOf'> | undefined
}

interface Growing {
  /** Nodes that may still be added. */
  left: number
  settled: boolean
  truncated: boolean
}

const MOST: TraceBounds = { nodes: TRACE_NODES_MAX, levels: TRACE_LEVELS_MAX }

/** How much of a tree is followed, whatever somebody wishes. */
export function boundsWithin({ nodes, levels }: TraceBounds = MOST): TraceBounds {
  return { nodes: Math.min(nodes, MOST.nodes), levels: Math.min(levels, MOST.levels) }
}

/** The message tree below a message, as far as it has grown and the bounds reach. */
export async function readTrace(
  parts: TraceParts,
  { process, slot, id }: { readonly process: ProcessId; readonly slot: Slot; readonly id: MessageId },
  bounds: TraceBounds,
): Promise<Trace> {
  const growing: Growing = { left: bounds.nodes, settled: true, truncated: false }
  const { envelope, timestampMs } = await assignmentAt(parts.log, process, slot)
  const root = await grow(
    parts,
    { ...labelOf(envelope, slot), id, process, slot, scheduledMs: timestampMs },
    growing,
    bounds.levels,
  )
  return { root, settled: growing.settled, truncated: growing.truncated }
}

/** The same from whoever schedules the process; nothing, if that is this node or nobody. @throws {Failure} */
export async function traceElsewhere(
  { routes, peers }: Pick<TraceParts, 'routes' | 'peers'>,
  process: ProcessId,
  id: MessageId,
  bounds: TraceBounds,
): Promise<Trace | undefined> {
  if (peers === undefined) return undefined
  return routes.fromOne(process, async scheduler => {
    const trace = await peers.trace(scheduler, process, id, bounds)
    if (!fits(trace.root, bounds))
      throw new Failure('unreachable', { scheduler }, { note: 'it gave a larger tree than it was asked for' })
    return trace
  })
}

type Sprout = Pick<TraceNode, 'id' | 'process' | 'slot' | 'label' | 'kind' | 'scheduledMs'>

async function grow(parts: TraceParts, sprout: Sprout, growing: Growing, levels: number): Promise<TraceNode> {
  growing.left -= 1
  const { process, slot } = sprout
  if (slot === undefined) return absent(parts, sprout, growing, levels)
  if (slot >= (await parts.computer.evaluated(process))) {
    growing.settled = false
    return { ...sprout, status: 'scheduled', evaluatedMs: undefined, gas: undefined, error: undefined, children: [] }
  }
  const result = await parts.computer.result(process, slot)
  const below = await branches(parts, result, growing, levels - 1)
  const { status, gas, error } = result
  return { ...sprout, status, gas, error, evaluatedMs: parts.timings.evaluatedMs(process, slot), ...below }
}

/** A message without a slot: it is on its way, lives with another node, or goes to somebody who is no process. */
async function absent(parts: TraceParts, sprout: Sprout, growing: Growing, levels: number): Promise<TraceNode> {
  const { log, describe } = parts
  const { process, kind, id } = sprout
  const pending: TraceNode = {
    ...sprout,
    status: 'pending',
    evaluatedMs: undefined,
    gas: undefined,
    error: undefined,
    children: [],
  }
  try {
    const known = (await log.directory.process(process)) ?? (await describe?.(process))
    if (known === undefined && kind !== 'spawn') return { ...pending, status: 'external' }
    const trace = await traceElsewhere(parts, process, id, { nodes: growing.left + 1, levels })
    if (trace !== undefined) {
      growing.settled &&= trace.settled
      growing.truncated ||= trace.truncated
      growing.left -= countOf(trace.root) - 1
      return trace.root
    }
  } catch {
    // Whoever could tell cannot be reached, or has not got it yet.
  }
  growing.settled = false
  return pending
}

/** Nodes of a tree, however deep it is. */
function countOf(root: TraceNode): number {
  let count = 0
  const waiting = [root]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    count += 1
    for (const child of node.children) waiting.push(child)
  }
  return count
}

/** Whether a tree keeps to its bounds; no more is looked at of one that does not. */
function fits(root: TraceNode, { nodes, levels }: TraceBounds): boolean {
  let left = nodes
  let row: readonly TraceNode[] = [root]
  for (let level = 0; row.length > 0; level++) {
    left -= row.length
    if (level >= levels || left < 0) return false
    row = row.flatMap(({ children }) => children)
  }
  return true
}

async function branches(
  parts: TraceParts,
  { outbox, assigns }: Result,
  growing: Growing,
  levels: number,
): Promise<Pick<TraceNode, 'children' | 'cut'>> {
  const children: TraceNode[] = []
  const hasRoom = (): boolean => growing.left > 0 && levels > 0
  for (const push of outbox) {
    if (!hasRoom()) break
    const sprout = await sproutOf(parts, push)
    const isEffect = parts.effects?.isFor(push) === true
    children.push(
      await (isEffect ? effect(parts, push.core.from, sprout, growing, levels) : grow(parts, sprout, growing, levels)),
    )
  }
  for (const { message, process } of assigns) {
    if (!hasRoom()) break
    const [id, to] = [message as MessageId, process as ProcessId]
    const slot = await parts.log.messages.slotOf(to, id)
    const sprout = { id, process: to, slot, label: 'assignment', kind: 'assigned' as const, scheduledMs: undefined }
    children.push(await grow(parts, sprout, growing, levels))
  }
  const cut = outbox.length + assigns.length - children.length
  if (cut === 0) return { children }
  growing.truncated = true
  return { children, cut }
}

/** An effect has no slot anywhere; below it stands the message that told its process what came of it. */
async function effect(
  parts: TraceParts,
  process: ProcessId,
  sprout: Sprout,
  growing: Growing,
  levels: number,
): Promise<TraceNode> {
  growing.left -= 1
  const bare = { ...sprout, evaluatedMs: undefined, gas: undefined, error: undefined }
  const id = await parts.effects?.outcomeOf(sprout.id)
  const slot = id === undefined ? undefined : await parts.log.messages.slotOf(process, id)
  if (id === undefined || slot === undefined) {
    growing.settled = false
    return { ...bare, status: 'pending', children: [] }
  }
  if (growing.left < 1 || levels <= 1) {
    growing.truncated = true
    return { ...bare, status: 'external', children: [], cut: 1 }
  }
  const { envelope, timestampMs } = await assignmentAt(parts.log, process, slot)
  const outcome = await grow(
    parts,
    { ...labelOf(envelope, slot), id, process, slot, scheduledMs: timestampMs },
    growing,
    levels - 1,
  )
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
