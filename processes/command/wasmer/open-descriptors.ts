import { COMMAND_DESCRIPTORS_MAX } from '../../../protocol/index.ts'
import { ERRNO } from '../wasi/errno.ts'
import type { CallArgument } from '../wasi/host.ts'
import type { ProgramMemory } from '../wasi/program-memory.ts'

/** Calls that open something, and which argument says where the new descriptor is put. */
const RESULT_OF: Readonly<Record<string, number>> = { path_open: 8, path_open2: 9, fd_dup: 1 }

/** What a run has open: the runtime itself has no bound, and would take descriptors until the machine has no more. */
export class OpenDescriptors {
  /** The streams and the root, which a program finds open. */
  readonly #open = new Set([0, 1, 2, 3])

  /** Has a call carried out, unless it would open more than a program may have open. */
  call(name: string, args: readonly CallArgument[], carryOut: () => unknown, memory: ProgramMemory): unknown {
    const result = RESULT_OF[name]
    if (result !== undefined && this.#open.size >= COMMAND_DESCRIPTORS_MAX) return ERRNO.tooManyDescriptors
    const errno = carryOut()
    if (errno !== ERRNO.success) return errno
    if (result !== undefined) this.#open.add(memory.u32(Number(args[result])))
    if (name === 'fd_close' || (name === 'fd_renumber' && args[0] !== args[1])) this.#open.delete(Number(args[0]) >>> 0)
    return errno
  }
}
