import { Buffer, isUtf8 } from 'node:buffer'
import {
  type AgentModule,
  DEPTH_MAX,
  QUEUE_DEPTH_MAX,
  QUEUE_FUEL_MIN,
  findTag,
  fromBase64Url,
  type GuestMessage,
  isId,
  type ProcessDescription,
  sha256,
  toBase64Url,
} from '../../protocol/index.ts'
import type { Routes } from './routes.ts'
import { jsonReader } from './values/json-reader.ts'

/** No request: what failed was nobody's, or it is not known whose. */
export const NOBODY = -1

/** An error of an earlier attempt, and the request that failed with it, by its slot. */
export type KnownFailure = readonly [step: number, code: string, message: string, request: number]

const REFERENCE_MAX_BYTES = 1024

/** A message as the program inside gets it; docs/protocol/agent.md tells of each. */
export interface Delivery {
  readonly kind: number
  readonly flags: number
  readonly slot: number
  readonly timestampMs: number
  readonly action: string
  readonly from: string
  readonly data: Uint8Array
  readonly named: string
  /** How much of the data the host looked at to read them. */
  readonly looked: number
  /** All else, as JSON. */
  rest(): string
}

const KINDS: readonly string[] = ['spawn', 'message', 'tick', 'query', 'restore']
export const IS_MESSAGE = 1
const FROM_PROCESS = 1
const BASE64 = 2
const HAS_REFERENCE = 4
export const IS_REPLY = 8
const IS_REPEATED = 16
const HAS_FACTS = 32
const IS_DEEP = 64
const IS_SPENT = 128
const HAS_ERROR = 256
/** `jsonReader` has read its data, and can make its input of them. */
export const IS_READ = 512

export function deliveryOf(
  message: GuestMessage,
  process: ProcessDescription,
  module: AgentModule,
  routes: Routes | undefined,
  failures: readonly KnownFailure[],
): Delivery {
  const { kind, tags, data } = message
  const isFirst = kind === 'spawn' || (kind as string) === 'restore'
  const action = (kind === 'tick' ? message.timer : findTag(tags, 'Action')) ?? ''
  const fromProcess = message.fromProcess !== undefined
  let flags = fromProcess ? FROM_PROCESS : 0
  const reference = fromProcess ? referenceOf(tags) : undefined
  const answers = findTag(tags, 'X-Reference')
  if (reference !== undefined) flags |= HAS_REFERENCE
  if (answers !== undefined) flags |= IS_REPLY
  if (findTag(tags, 'Error') !== undefined) flags |= HAS_ERROR
  if (failures.length > 0) flags |= IS_REPEATED
  if (isFirst) flags |= HAS_FACTS
  // What is asked now is one deeper, its reply two.
  if (message.depth + 2 > DEPTH_MAX) flags |= IS_DEEP
  if (message.depth > QUEUE_DEPTH_MAX || (message.fuel !== undefined && message.fuel < QUEUE_FUEL_MIN))
    flags |= IS_SPENT
  const isAsked = (kind === 'message' && answers === undefined) || kind === 'query'
  const input = isAsked && data.length > 0 ? routes?.byName.get(action)?.input : undefined
  const isRead = jsonReader.read(data, input)
  const isText = isRead || isUtf8(data)
  if (isRead) flags |= IS_READ
  else if (!isText) flags |= BASE64
  return {
    kind: KINDS.indexOf(kind),
    flags,
    slot: message.slot,
    timestampMs: message.timestampMs,
    action,
    from: message.from,
    data: isText ? textOf(message) : Buffer.from(Buffer.from(data).toString('base64')),
    named: answers ?? reference ?? '',
    looked: jsonReader.looked,
    rest: () => restOf(message, failures, isFirst ? factsOf(process, module) : 0),
  }
}

function restOf(
  { id, depth, origin, tags, fuel }: GuestMessage,
  failures: readonly KnownFailure[],
  facts: ReturnType<typeof factsOf> | 0,
): string {
  const flat: string[] = []
  for (const { name, value } of tags) flat.push(name, value)
  const rest = [id, depth, origin, flat, failures.length === 0 ? 0 : failures, facts]
  return JSON.stringify(fuel === undefined ? rest : [...rest, Number(fuel)])
}

/** What a process says it waits with. What does not fit the tags of an answer nobody can be waiting with. */
function referenceOf(tags: GuestMessage['tags']): string | undefined {
  const reference = findTag(tags, 'Reference')
  return reference !== undefined && Buffer.byteLength(reference) <= REFERENCE_MAX_BYTES ? reference : undefined
}

/** A tick has no data: how many slots of it failed stands there. */
const textOf = ({ data, failedTicks }: GuestMessage): Uint8Array =>
  failedTicks === undefined ? data : Buffer.from(String(failedTicks))

/** Bytes that are handed over, without the rest. */
export const bytesOf = ({ action, from, data, named }: Delivery): number =>
  Buffer.byteLength(action) + Buffer.byteLength(from) + data.length + Buffer.byteLength(named)

function factsOf(process: ProcessDescription, { modules }: AgentModule) {
  const messenger = findTag(process.tags, 'Messenger') ?? process.policy.schedulers[0] ?? ''
  return {
    self: process.id,
    owner: process.owner,
    parent: process.parent,
    messenger,
    messengerAddress: addressOfKey(messenger),
    modules: modules ?? {},
  }
}

/** The address of what a unit signs with its key; a text that is no key has none. */
function addressOfKey(key: string): string {
  return isId(key) ? toBase64Url(sha256(fromBase64Url(key))) : ''
}
