import { z } from 'zod'

/** 32 bytes in base64url: 43 characters, no padding. The last character carries 4 bits only. */
const ID_PATTERN = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

/** The id of a process: the id of its spawn message. */
export const ProcessId = z.string().regex(ID_PATTERN).brand('ProcessId')
export type ProcessId = z.infer<typeof ProcessId>

/** The id of a message: of a data item, the sha256 of its signature; of a push, of its core. */
export const MessageId = z.string().regex(ID_PATTERN).brand('MessageId')
export type MessageId = z.infer<typeof MessageId>

/** The id of a module: the id of the signed item that carries its bytes. */
export const ModuleId = z.string().regex(ID_PATTERN).brand('ModuleId')
export type ModuleId = z.infer<typeof ModuleId>

/** An Ed25519 public key in base64url: the name of a node and of each unit on it. */
export const KeyId = z.string().regex(ID_PATTERN).brand('KeyId')
export type KeyId = z.infer<typeof KeyId>

/** A position in a process's feed, from 0, without gaps. */
export const Slot = z.int().nonnegative()
export type Slot = number

/** Tells whether `text` has the shape of an id. */
export function isId(text: string): boolean {
  return ID_PATTERN.test(text)
}

/** Takes `text` for the id of a process; the caller has checked its shape or made it from bytes. */
export const asProcessId = (text: string): ProcessId => text as ProcessId
/** Takes `text` for the id of a message; the caller has checked its shape or made it from bytes. */
export const asMessageId = (text: string): MessageId => text as MessageId
/** Takes `text` for the id of a module; the caller has checked its shape or made it from bytes. */
export const asModuleId = (text: string): ModuleId => text as ModuleId
/** Takes `text` for the name of a key; the caller has checked its shape or made it from bytes. */
export const asKeyId = (text: string): KeyId => text as KeyId
