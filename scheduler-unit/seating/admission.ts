import {
  type CallRequest,
  type Clock,
  decodeIngress,
  describeSpawnItem,
  type DataItem,
  type Directory,
  type Envelope,
  Failure,
  typeOf,
  ITEM_SIZE_MAX_BYTES,
  isControl,
  type Log,
  MalformedBytes,
  type Notary,
  type ProcessDescription,
  type ProcessId,
  type Push,
  type PushProof,
  outlineDataItem,
  parseDataItem,
  readControl,
  type RequestEnvelope,
  refuseDuplicateSystemTags,
  refuteApart,
  refuteIngress,
  refutePush,
  refuteSpawnRequest,
  requestMessageId,
  spawnRequestOf,
  verifyDataItem,
  speaksTooLate,
} from '../../protocol/index.ts'

export interface AdmissionParts {
  /** Who checks what canisters may have signed, which takes long; whoever admits it, if not given. */
  readonly notary?: Notary | undefined
  readonly clock: Pick<Clock, 'now'>
  readonly log: Pick<Log, 'directory'>
}

/** Parses and checks an item that wants a slot of `process`, all but whether it stands there already. */
export function admitItem(bytes: Uint8Array, process: ProcessId, nowMs: number, parsed?: DataItem): DataItem {
  if (bytes.length > ITEM_SIZE_MAX_BYTES) {
    throw new Failure('too-large', { bytes: bytes.length, max: ITEM_SIZE_MAX_BYTES })
  }
  const item = parsed ?? parseItem(bytes)
  checkTags(item, process)
  if (!verifyDataItem(item)) throw new Failure('bad-signature', { id: item.id })
  if (item.id === process) admitSpawnRequest(describeSpawnItem(item), nowMs)
  return item
}

/** A request of the IC may make a process: it must hold then. @throws {Failure} `bad-signature` */
function admitSpawnRequest(process: ProcessDescription, nowMs: number): void {
  const reason = refuteSpawnRequest(process, nowMs)
  if (reason !== undefined) throw new Failure('bad-signature', { id: process.id, reason })
}

/** Parses an item. @throws {Failure} `malformed-item` */
export function parseItem(bytes: Uint8Array): DataItem {
  try {
    return parseDataItem(bytes)
  } catch (error) {
    if (error instanceof MalformedBytes) throw new Failure('malformed-item', { offset: error.offset }, { cause: error })
    throw error
  }
}

/** The same of an item that the caller has parsed, if its id is known. */
export function outlineItem(bytes: Uint8Array, id: string | undefined): DataItem {
  return id === undefined ? parseItem(bytes) : outlineDataItem(bytes, id)
}

function checkTags(item: DataItem, process: ProcessId): void {
  try {
    refuseDuplicateSystemTags(item.tags)
  } catch (error) {
    throw new Failure('wrong-type', { id: item.id }, { cause: error, note: 'a system tag stands twice' })
  }
  if (!item.tags.some(({ name, value }) => value === 'ao' && (name === 'Data-Protocol' || name === 'data-protocol'))) {
    throw new Failure('wrong-type', { id: item.id }, { note: 'no Data-Protocol=ao' })
  }
  const type = typeOf(item.tags)
  if (type === 'Process') {
    if (item.id !== process) throw new Failure('wrong-target', { id: item.id, process })
  } else if (type !== 'Message' && !isControl(item.tags)) {
    throw new Failure('wrong-type', { id: item.id, type: type ?? '' })
  } else if (item.target !== process) {
    throw new Failure('wrong-target', { id: item.id, target: item.target ?? '', process })
  }
}

/** As `admitItem`, with what takes a wait: spawns that canisters may have asked for, and modules that are named. @throws {Failure} */
export async function admitWhole(
  { notary, clock, log }: AdmissionParts,
  process: ProcessId,
  item: DataItem,
): Promise<void> {
  if (item.id === process) await admitSpawnApart(notary, item, clock.now())
  admitItem(item.bytes, process, clock.now(), item)
  await admitControl(item, log.directory)
}

/**
 * Checks a control message: it says what to do, and the module it names is known here, which means that it may run.
 * Whether its signer owns the process, the slot tells. @throws {Failure} `bad-control`, `unknown-module`
 */
async function admitControl(item: DataItem, directory: Pick<Directory, 'module'>): Promise<void> {
  if (!isControl(item.tags)) return
  const control = readControl(item.tags)
  if (!('module' in control) || (await directory.module(control.module)) !== undefined) return
  throw new Failure('unknown-module', { module: control.module })
}

/** Parses a request of the IC. @throws {Failure} `malformed-item` */
export function parseIngress(bytes: Uint8Array): RequestEnvelope<CallRequest> {
  try {
    return decodeIngress(bytes)
  } catch (error) {
    if (error instanceof MalformedBytes) throw new Failure('malformed-item', { offset: error.offset }, { cause: error })
    throw error
  }
}

/**
 * Has a request that a canister may have signed judged elsewhere, before it is admitted here; nothing, if the message is none.
 * @throws {Failure} `bad-signature`, `busy`
 */
export async function admitApart(
  notary: Notary | undefined,
  request: RequestEnvelope<CallRequest> | undefined,
  process: ProcessDescription,
  nowMs: number,
): Promise<void> {
  const reason = await refuteApart(notary, request, process, nowMs)
  if (reason !== undefined && request !== undefined)
    throw new Failure('bad-signature', { id: requestMessageId(request.id), reason })
}

/** The same of the request that makes a process, if one does. @throws {Failure} `malformed-item`, `bad-signature`, `busy` */
export async function admitSpawnApart(notary: Notary | undefined, spawn: DataItem, nowMs: number): Promise<void> {
  const process = describeSpawnItem(spawn)
  try {
    await admitApart(notary, spawnRequestOf(process), process, nowMs)
  } catch (error) {
    if (error instanceof MalformedBytes) throw new Failure('malformed-item', { offset: error.offset }, { cause: error })
    throw error
  }
}

/** Checks a request of the IC that wants a slot of `process` now. @throws {Failure} `too-large`, `bad-signature` */
export function admitIngress(
  bytes: Uint8Array,
  request: RequestEnvelope<CallRequest>,
  process: ProcessDescription,
  nowMs: number,
): void {
  if (bytes.length > ITEM_SIZE_MAX_BYTES)
    throw new Failure('too-large', { bytes: bytes.length, max: ITEM_SIZE_MAX_BYTES })
  const reason = refuteIngress(request, process, nowMs)
  if (reason !== undefined) throw new Failure('bad-signature', { id: requestMessageId(request.id), reason })
}

/** Checks the proof of a push against the process it says it comes from. @throws {Failure} `bad-certificate` */
export function admitPush(push: Push, proof: PushProof | undefined, sender: ProcessDescription): void {
  let reason: string | undefined
  try {
    reason =
      proof === undefined ? 'it has no proof' : (refutePush(push, proof, sender) ?? refuteLate(push, proof, sender))
  } catch (error) {
    throw new Failure('bad-certificate', { from: sender.id }, { cause: error })
  }
  if (reason !== undefined) throw new Failure('bad-certificate', { from: sender.id, reason })
}

/** Compute units from which the sender was taken may have gone on by themselves. */
function refuteLate({ core }: Push, { signatures }: PushProof, sender: ProcessDescription): string | undefined {
  return speaksTooLate(sender, signatures[0]?.unit ?? 0, core.slot)
    ? 'its compute units were no longer those of the sender'
    : undefined
}

/** Consumes the seq of a push that is too large to stand in a feed. */
export function rejectOf({ from, seq }: Push['core']): Envelope {
  return { kind: 'reject', from, seq, reason: 'too-large' }
}
