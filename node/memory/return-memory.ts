import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** A flag `--expose-gc` gives it; without one it is asked for when it is needed. */
function collector(): NodeJS.GCFunction | undefined {
  if (globalThis.gc !== undefined) return globalThis.gc
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as NodeJS.GCFunction | undefined
}

/**
 * Collects garbage and gives free memory of the heap back to the system; takes some tens of milliseconds. By itself the
 * engine keeps pages that were in use once: after a burst most of what a program holds is empty.
 */
export function returnMemory(): void {
  collector()?.({ type: 'major', flavor: 'last-resort' })
}

/** Collects young objects: those that stay are among the old ones after two of these. */
export function collectYoung(): void {
  collector()?.({ type: 'minor' })
}
