import { ERRNO } from '../wasi/errno.ts'
import type { CallArgument } from '../wasi/host.ts'
import type { ProgramMemory } from '../wasi/program-memory.ts'

type Imported = (...args: CallArgument[]) => unknown

/** The descriptor of the root, which the runtime opens first. */
const ROOT = 3
/** Where the sandbox keeps files, and where this class finds room for that name and a result. */
const NAME = new TextEncoder().encode('workspace')
const SCRATCH_BYTES = 32
const RESULT_AT = 16
const FOLDER_ONLY = 2
const ALL_RIGHTS = (1n << 30n) - 1n
/** fd_write, fd_allocate, fd_filestat_set_size: a folder cannot be opened with these. */
const FILE_RIGHTS = (1n << 6n) | (1n << 8n) | (1n << 22n)

/** Arguments that are descriptors of folders, where they are not the first. */
const FOLDERS: Readonly<Record<string, readonly number[]>> = {
  path_link: [0, 4],
  path_rename: [0, 3],
  path_symlink: [2],
}
/** The runtime opens more than one folder before the program runs; the program sees the first only. */
const PREOPENED = new Set(['fd_prestat_get', 'fd_prestat_dir_name'])

/**
 * Shows a program of plain WASI the sandbox's work folder as its root: such a program has no working
 * directory, and would look for its files where the runtime keeps its own.
 */
export class WorkFolder {
  readonly #open: Imported | undefined
  #folder: number | undefined

  constructor(functions: Readonly<Record<string, unknown>>) {
    this.#open = functions['path_open'] as Imported | undefined
  }

  call(name: string, args: readonly CallArgument[], carryOut: Imported, memory: ProgramMemory): unknown {
    if (PREOPENED.has(name)) return args[0] === ROOT ? carryOut(...args) : ERRNO.badDescriptor
    const places = FOLDERS[name] ?? [0]
    const moved = args.map((value, index) =>
      places.includes(index) && value === ROOT ? this.#descriptor(memory) : value,
    )
    return carryOut(...moved)
  }

  /** Opens the folder when first needed; the program's memory is as before. */
  #descriptor(memory: ProgramMemory): number {
    if (this.#folder !== undefined || this.#open === undefined) return this.#folder ?? ROOT
    const scratch = memory.at(0, SCRATCH_BYTES)
    const before = scratch.slice()
    scratch.set(NAME)
    const rights = [ALL_RIGHTS & ~FILE_RIGHTS, ALL_RIGHTS] as const
    const errno = this.#open(ROOT, 0, 0, NAME.length, FOLDER_ONLY, ...rights, 0, RESULT_AT)
    const folder = memory.u32(RESULT_AT)
    memory.at(0, SCRATCH_BYTES).set(before)
    if (errno !== ERRNO.success) throw new Error(`the work folder cannot be opened: ${String(errno)}`)
    this.#folder = folder
    return folder
  }
}
