import { Buffer, isUtf8 } from 'node:buffer'
import {
  type AgentModule,
  findTag,
  fromBase64Url,
  type GuestMessage,
  isId,
  type ProcessDescription,
  sha256,
  toBase64Url,
} from '../../protocol/index.ts'

/** An error of an earlier attempt: the step fails with it instead of being run. */
export type KnownFailure = readonly [step: number, code: string, message: string]

/** A message as the program inside reads it: docs/protocol/agent.md has the list. */
export function metaText(
  message: GuestMessage,
  process: ProcessDescription,
  module: AgentModule,
  failures: readonly KnownFailure[],
): Buffer {
  const tags: string[] = []
  for (const { name, value } of message.tags) tags.push(name, value)
  const isFirst = message.kind === 'spawn' || (message.kind as string) === 'restore'
  return Buffer.from(
    JSON.stringify([
      message.kind,
      message.id,
      message.slot,
      message.timestampMs,
      message.from,
      message.fromProcess === undefined ? 0 : 1,
      message.depth,
      message.origin,
      tags,
      isUtf8(message.data) ? 0 : 1,
      message.timer ?? '',
      failures.length === 0 ? 0 : failures,
      isFirst ? factsOf(process, module) : 0,
    ]),
  )
}

/** The data as text: as they are, or as base64 if they are no UTF-8. */
export function dataText(message: GuestMessage): Uint8Array {
  return isUtf8(message.data)
    ? message.data
    : Buffer.from(Buffer.from(message.data).toString('base64'))
}

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
