import type { TreeNode } from '../files/file-tree.ts'
import type { OpenThing } from './open-files.ts'
import type { ProgramMemory } from './program-memory.ts'

/** Kinds of files, as WASI numbers them. */
const FILE_TYPE = { unknown: 0, folder: 3, file: 4 } as const
export const ALL_RIGHTS = (1n << 30n) - 1n
/** seek and tell: what a terminal does not have. */
const SEEK_RIGHTS = (1n << 2n) | (1n << 5n)
export const FLAG_APPEND = 1
const FILESTAT_BYTES = 64
const FDSTAT_BYTES = 24
const DIRENT_BYTES = 24
const DEVICE = 1n

const utf8 = new TextEncoder()

export function fileTypeOf(thing: OpenThing | TreeNode): number {
  if (thing.kind === 'folder') return FILE_TYPE.folder
  return thing.kind === 'output' ? FILE_TYPE.unknown : FILE_TYPE.file
}

/** All times are the slot's: the program cannot tell when a file was written, and nothing keeps it. */
export function writeFilestat(
  memory: ProgramMemory,
  at: number,
  facts: { inode: number; type: number; size: number; time: bigint },
): void {
  memory.at(at, FILESTAT_BYTES).fill(0)
  memory.setU64(at, DEVICE)
  memory.setU64(at + 8, BigInt(facts.inode))
  memory.setU8(at + 16, facts.type)
  memory.setU64(at + 24, 1n)
  memory.setU64(at + 32, BigInt(facts.size))
  for (const offset of [40, 48, 56]) memory.setU64(at + offset, facts.time)
}

export function writeFdstat(memory: ProgramMemory, at: number, thing: OpenThing): void {
  memory.at(at, FDSTAT_BYTES).fill(0)
  memory.setU8(at, fileTypeOf(thing))
  memory.setU16(at + 2, thing.kind === 'file' && thing.append ? FLAG_APPEND : 0)
  const streams = thing.kind === 'output' ? ALL_RIGHTS & ~SEEK_RIGHTS : ALL_RIGHTS
  memory.setU64(at + 8, streams)
  memory.setU64(at + 16, ALL_RIGHTS)
}

/** One entry of a listing: where the next begins, inode, length of the name, kind, name. */
export function encodeDirent(next: number, inode: number, name: string, type: number): Uint8Array {
  const text = utf8.encode(name)
  const bytes = new Uint8Array(DIRENT_BYTES + text.length)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(next), true)
  view.setBigUint64(8, BigInt(inode), true)
  view.setUint32(16, text.length, true)
  view.setUint8(20, type)
  bytes.set(text, DIRENT_BYTES)
  return bytes
}
