import { Failure, type Tag } from '../../protocol/index.ts'
import type { CommandContext, Flags } from '../command.ts'
import { readUserFile } from './user-files.ts'

/** What a command line says of a message. */
export interface MessageArguments {
  readonly action: string | undefined
  readonly tags: readonly Tag[]
  readonly data: Uint8Array | string
}

/** Reads action, tags and data; data stands on the command line, in a file, or on standard input. @throws {Failure} `usage`, `bad-file` */
export async function readMessage(context: CommandContext, data: string | undefined): Promise<MessageArguments> {
  const { flags } = context
  const file = textFlag(flags, 'data-file')
  if (file !== undefined && data !== undefined) {
    throw new Failure('usage', {}, { note: 'data stands on the command line or in a file, not both' })
  }
  const tags = textsFlag(flags, 'tag').map(parseTag)
  return {
    action: textFlag(flags, 'action'),
    tags,
    data: file === undefined ? (data ?? '') : await readUserFile(context.terminal, file),
  }
}

/** Reads `name=value`; the value may hold more equal signs. @throws {Failure} `usage` */
export function parseTag(text: string): Tag {
  const at = text.indexOf('=')
  if (at < 1) throw new Failure('usage', { tag: text }, { note: 'expected name=value' })
  return { name: text.slice(0, at), value: text.slice(at + 1) }
}

export function textFlag(flags: Flags, name: string): string | undefined {
  const value = flags[name]
  return typeof value === 'string' ? value : undefined
}

export function textsFlag(flags: Flags, name: string): readonly string[] {
  const value = flags[name]
  return typeof value === 'object' ? value : []
}

/** A whole number from `min` up. @throws {Failure} `usage` */
export function countFlag(flags: Flags, name: string, min = 0): number | undefined {
  const text = textFlag(flags, name)
  if (text === undefined) return undefined
  const value = Number(text)
  if (/^\d{1,15}$/.test(text) && value >= min) return value
  throw new Failure('usage', { [name]: text }, { note: `expected a whole number from ${min} up` })
}

/** One of a few words. @throws {Failure} `usage` */
export function choiceFlag<T extends string>(flags: Flags, name: string, choices: readonly [T, ...T[]]): T {
  const text = textFlag(flags, name) ?? choices[0]
  const found = choices.find(choice => choice === text)
  if (found !== undefined) return found
  throw new Failure('usage', { [name]: text, known: choices }, { note: 'no such choice' })
}
