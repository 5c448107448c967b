import { ERRNO } from '../wasi/errno.ts'
import type { WasiCall, WasiHost } from '../wasi/host.ts'

/** The name under which programs import WASIX. */
export const WASIX_MODULE = 'wasix_32v1'

/** The one thread and the one process of a run. */
const ONLY = 1

const onlyOne = (host: WasiHost, at: number): undefined => {
  host.memory.setU32(at, ONLY)
}

/** Calls of WASIX that are answered here, because the runtime's answer would differ from run to run. */
export const WASIX_ANSWERED: Readonly<Record<string, WasiCall>> = {
  callback_signal: { type: 'ii>', run: () => undefined },
  proc_id: { type: 'i>i', run: onlyOne },
  proc_parent: { type: 'ii>i', run: (host: WasiHost, _of: number, at: number) => onlyOne(host, at) },
  thread_id: { type: 'i>i', run: onlyOne },
  thread_parallelism: { type: 'i>i', run: onlyOne },
  thread_sleep: {
    type: 'I>i',
    run: (host: WasiHost, nanoseconds: bigint) => {
      host.clock.sleepUntil(host.clock.now + BigInt.asUintN(64, nanoseconds))
      return ERRNO.success
    },
  },
}

/** Calls of WASIX that the runtime carries out: they depend on nothing but files. */
const CARRIED_OUT = {
  chdir: 'ii>i',
  fd_dup: 'ii>i',
  getcwd: 'ii>i',
  path_open2: 'iiiiiIIiii>i',
} as const

/** Types of all that a program may import beyond WASI: no threads, no processes, no sockets. */
export const WASIX_TYPES: Readonly<Record<string, string>> = {
  ...CARRIED_OUT,
  ...Object.fromEntries(Object.entries(WASIX_ANSWERED).map(([name, { type }]) => [name, type])),
}
