/** Completes a parsed lockfile in place; gives the names of the packages that were missing. */
export function completeLockfile(lock: { packages: Record<string, object> }): string[]
