/**
 * How the engine and the C library are to keep memory in a node: both are made for programs that run alone on a large
 * machine, and hold for ever what was in use once. They read this when a program starts, and not later.
 *
 * - Young objects live in 8 MiB instead of up to 32: buffers they hold are given back four times as often. And in no less from the beginning:
 *   a start copied what it made from 1 MiB to 2, 4 and 8, a tenth of what it took.
 * - All objects are made among the young ones: what a message leaves behind lives just too long for the engine's guess (decision 0043).
 * - Two arenas for all threads, free ends of them go back to the system, and what is large is mapped by itself.
 */
export const NODE_ENGINE = {
  execArgv: ['--min-semi-space-size=8', '--max-semi-space-size=8', '--no-allocation-site-pretenuring', '--expose-gc'],
  env: {
    MALLOC_ARENA_MAX: '2',
    MALLOC_TRIM_THRESHOLD_: '131072',
    MALLOC_MMAP_THRESHOLD_: '131072',
  },
} as const

/** Set in a program that was started so; whoever sets it by hand keeps the engine as it is. */
const DONE = 'ATOLL_ENGINE'

/** Starts this very program again, as the same process, with the settings above; on systems that cannot, it goes on as it is. */
export function startWithEngine(argv: readonly string[]): void {
  const { execve, env, execPath, execArgv } = process
  if (execve === undefined || env[DONE] !== undefined) return
  const [, program = '', ...rest] = argv
  const args = [execPath, ...NODE_ENGINE.execArgv, ...execArgv, program, ...rest]
  // What the operator has set counts.
  execve.call(process, execPath, args, { ...NODE_ENGINE.env, ...env, [DONE]: 'set' })
}
