import { type CellKey, dataText, type GuestMessage, type ProcessId, toBase64Url, toUtf8 } from '../../protocol/index.ts'
import { findTag } from '../../protocol/index.ts'
import { toBase64 } from './base64.ts'

/**
 * The message as the program reads it: one line of JSON without blanks, keys in this order, UTF-8, closed
 * by a line feed. docs/protocol/command.md has the table.
 */
export function encodeStdin(message: GuestMessage, process: ProcessId): Uint8Array {
  const text = dataText(message.data)
  const document = {
    kind: message.kind,
    id: message.id,
    slot: message.slot,
    timestampMs: message.timestampMs,
    process,
    target: message.target,
    from: message.from,
    owner: message.owner,
    fromProcess: message.fromProcess ?? null,
    fromModule: message.fromModule ?? null,
    origin: message.origin,
    depth: message.depth,
    timer: message.timer === undefined ? null : timerText(message.timer),
    anchor: message.anchor === undefined ? null : toBase64Url(message.anchor),
    action: findTag(message.tags, 'Action') ?? '',
    tags: message.tags.map(({ name, value }) => ({ name, value })),
    data: text ?? toBase64(message.data),
    encoding: text === undefined ? 'base64' : 'utf-8',
  }
  return toUtf8(`${JSON.stringify(document)}\n`)
}

/** Keys of timers are bytes; programs of this format name them by text. */
export function timerText(key: CellKey): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(
    Uint8Array.from(key, character => character.charCodeAt(0)),
  )
}

export function timerKey(text: string): CellKey {
  let key = ''
  for (const byte of toUtf8(text)) key += String.fromCharCode(byte)
  return key
}
