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

/** No request: what failed was nobody's, or it is not known whose. */
export const NOBODY = -1

/** An error of an earlier attempt, and the request that failed with it, by its slot. */
export type KnownFailure = readonly [step: number, code: string, message: string, request: number]

const REFERENCE_MAX_BYTES = 1024

/** A message as the program inside gets it; docs/protocol/agent.md tells of each. */
export interface Delivery {
  readonly numbers: readonly [kind: number, flags: number, slot: number, timestampMs: number]
  readonly texts: readonly [action: Uint8Array, from: Uint8Array, data: Uint8Array, rest: Uint8Array, named: Uint8Array]
}

const KINDS: readonly string[] = ['spawn', 'message', 'tick', 'query', 'restore']
const FROM_PROCESS = 1
const BASE64 = 2
const HAS_REFERENCE = 4
const IS_REPLY = 8
const IS_REPEATED = 16
const HAS_FACTS = 32
const IS_DEEP = 64
const IS_SPENT = 128
const HAS_ERROR = 256

export function deliveryOf(
  message: GuestMessage,
  process: ProcessDescription,
  module: AgentModule,
  failures: readonly KnownFailure[],
): Delivery {
  const { kind, tags } = message
  const flat: string[] = []
  for (const { name, value } of tags) flat.push(name, value)
  const isFirst = kind === 'spawn' || (kind as string) === 'restore'
  const isText = isUtf8(message.data)
  const fromProcess = message.fromProcess !== undefined
  let flags = fromProcess ? FROM_PROCESS : 0
  if (!isText) flags |= BASE64
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
  const action = kind === 'tick' ? message.timer : findTag(tags, 'Action')
  const rest = [
    message.id,
    message.depth,
    message.origin,
    flat,
    failures.length === 0 ? 0 : failures,
    isFirst ? factsOf(process, module) : 0,
    ...(message.fuel === undefined ? [] : [Number(message.fuel)]),
  ]
  return {
    numbers: [KINDS.indexOf(kind), flags, message.slot, message.timestampMs],
    texts: [
      Buffer.from(action ?? ''),
      Buffer.from(message.from),
      isText ? textOf(message) : Buffer.from(Buffer.from(message.data).toString('base64')),
      Buffer.from(JSON.stringify(rest)),
      Buffer.from(answers ?? reference ?? ''),
    ],
  }
}

/** What a process says it waits with. What does not fit the tags of an answer nobody can be waiting with. */
function referenceOf(tags: GuestMessage['tags']): string | undefined {
  const reference = findTag(tags, 'Reference')
  return reference !== undefined && Buffer.byteLength(reference) <= REFERENCE_MAX_BYTES ? reference : undefined
}

/** A tick has no data: how many slots of it failed stands there. */
const textOf = ({ data, failedTicks }: GuestMessage): Uint8Array =>
  failedTicks === undefined ? data : Buffer.from(String(failedTicks))

/** Bytes that are handed over. */
export const bytesOf = ({ texts }: Delivery): number => texts.reduce((sum, { length }) => sum + length, 0)

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
