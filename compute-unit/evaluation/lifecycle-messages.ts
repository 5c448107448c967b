import {
  type Control,
  type EnvelopeOutline,
  type GuestMessage,
  isControl,
  isControlSpelled,
  isRestoreSpawn,
  type ProcessDescription,
  placeId,
  type Slot,
  type Tag,
} from '../../protocol/index.ts'

const NO_BYTES = new Uint8Array(0)

/** Asks a program for its state. */
export function exportQuery(process: ProcessDescription, slot: number, timestampMs: number): GuestMessage {
  const id = placeId(process.id, slot)
  return {
    kind: 'query',
    id,
    slot,
    timestampMs,
    target: process.id,
    from: process.owner,
    owner: process.owner,
    fromProcess: undefined,
    fromModule: undefined,
    tags: [{ name: 'Action', value: '@export' }],
    data: NO_BYTES,
    anchor: undefined,
    signature: undefined,
    origin: id,
    depth: 0,
    timer: undefined,
  }
}

/** Gives a program a state that another told, in the name of a control message. */
export function restoreMessage(message: GuestMessage, data: Uint8Array): GuestMessage {
  const { id, slot, timestampMs, target, from, owner, tags, origin, depth } = message
  return {
    kind: 'restore',
    id,
    slot,
    timestampMs,
    target,
    from,
    owner,
    fromProcess: undefined,
    fromModule: undefined,
    tags,
    data,
    anchor: undefined,
    signature: undefined,
    origin,
    depth,
    timer: undefined,
  }
}

/** A control message that nobody signed, for a copy of a process. */
export function rehearsal(
  process: ProcessDescription,
  tags: readonly Tag[],
  slots: Slot,
  timestampMs: number,
): GuestMessage {
  return { ...exportQuery(process, Math.max(0, slots - 1), timestampMs), kind: 'message', tags }
}

/**
 * What is done to the process instead of giving the program a message: its own tags say it, or the spawn does.
 * An item says so to everybody, a push only from the process that owns this one.
 */
export function controlOf(
  { kind }: EnvelopeOutline,
  message: GuestMessage,
  process: ProcessDescription,
): Control | 'tags' | undefined {
  if (message.kind === 'spawn') return isRestoreSpawn(message.tags) ? RESTORE_AT_SPAWN : undefined
  const isAddressed = kind === 'item' || (kind === 'push' && message.from === process.owner)
  return isAddressed && isTagged(message) ? 'tags' : undefined
}

/** Looks at tags as they came, if they did: of ordinary messages none are made text for this. */
function isTagged(message: GuestMessage): boolean {
  const spelled = message.raw?.tags
  return spelled === undefined ? isControl(message.tags) : isControlSpelled(spelled)
}

const RESTORE_AT_SPAWN: Control = { action: 'Restore', name: undefined, pending: 'reject' }
