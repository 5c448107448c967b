import { readFileSync } from 'node:fs'

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const MS_PER_TICK = 10
const USER_TICKS_FIELD = 11
/** User, system, and both again of children that were waited for. */
const TICKS_FIELDS = 4

/**
 * CPU time (user and system, all threads) that a process used so far, in milliseconds, to 10 ms. That of children
 * that have ended, and of theirs, is in it: a node ends its query host when nobody asks for it, and what that host
 * used must not vanish with it. Null where there is no /proc, or no such process.
 */
export function cpuMsOf(pid: number): number | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // the second field is the command in parentheses and may hold spaces
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const ticks = fields.slice(USER_TICKS_FIELD, USER_TICKS_FIELD + TICKS_FIELDS)
    return ticks.reduce((sum, field) => sum + Number(field), 0) * MS_PER_TICK
  } catch {
    return null
  }
}

/** CPU time of several processes together; null if one of them cannot be read. */
export function cpuMsOfAll(pids: readonly number[]): number | null {
  let total = 0
  for (const pid of pids) {
    const cpuMs = cpuMsOf(pid)
    if (cpuMs === null) return null
    total += cpuMs
  }
  return total
}
