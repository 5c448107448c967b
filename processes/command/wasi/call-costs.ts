import type { CallArgument } from './host.ts'
import type { ProgramMemory } from './program-memory.ts'

/**
 * Gas of one call (protocol). It follows from the call and its arguments alone, so that it is the same
 * whoever carries the call out: what is asked for is charged, used or not. The numbers are measured
 * times, rounded up, at one unit a nanosecond.
 */
const BASE = 500
const STREAM_BASE = 2_000
const PART = 64
const PATH_BASE = 4_000
const PATH_BYTE = 16
const DATA_BYTE = 1
const RANDOM_BYTE = 64
const POLL_SUBSCRIPTION = 200

const unsigned = (value: CallArgument | undefined): number => Number(value ?? 0) >>> 0

/** Where the lengths of paths stand among the arguments. */
const PATH_LENGTHS: Readonly<Record<string, readonly number[]>> = {
  path_create_directory: [2],
  path_filestat_get: [3],
  path_filestat_set_times: [3],
  path_link: [3, 6],
  path_open: [3],
  path_open2: [3],
  path_readlink: [2],
  path_remove_directory: [2],
  path_rename: [2, 5],
  path_symlink: [1, 4],
  path_unlink_file: [2],
}

/** More parts than a call takes are not looked at. */
const PARTS_LOOKED_AT = 1024

export function costOf(name: string, args: readonly CallArgument[], memory: ProgramMemory): number {
  switch (name) {
    case 'fd_read':
    case 'fd_write':
    case 'fd_pread':
    case 'fd_pwrite':
      return STREAM_BASE + partsCost(unsigned(args[1]), unsigned(args[2]), memory)
    case 'fd_readdir':
      return STREAM_BASE + DATA_BYTE * unsigned(args[2])
    case 'fd_allocate':
    case 'fd_filestat_set_size':
      return STREAM_BASE
    case 'random_get':
      return STREAM_BASE + RANDOM_BYTE * unsigned(args[1])
    case 'poll_oneoff':
      return STREAM_BASE + POLL_SUBSCRIPTION * unsigned(args[2])
  }
  const lengths = PATH_LENGTHS[name]
  if (lengths === undefined) return BASE
  return lengths.reduce((sum, index) => sum + PATH_BYTE * unsigned(args[index]), PATH_BASE)
}

function partsCost(at: number, count: number, memory: ProgramMemory): number {
  let cost = 0
  for (let index = 0; index < Math.min(count, PARTS_LOOKED_AT); index++) {
    cost += PART + DATA_BYTE * memory.u32(at + index * 8 + 4)
  }
  return cost
}

const PAGE_BYTES = 65_536
/** Gas of each page of memory that an instance has from the start. */
const PAGE_COST = 16_384

/** Gas of the memory of a new instance. */
export const memoryCost = (memory: WebAssembly.Memory): number => PAGE_COST * (memory.buffer.byteLength / PAGE_BYTES)
