/** Names of what the rewriter exports. A module that exports a name with this prefix is refused. */
export const RESERVED_PREFIX = 'atoll:'

export const INJECTED = {
  /** Mutable i64: gas left. Set before a call. Below zero afterwards: out of gas. */
  gas: 'atoll:gas',
  /** Mutable i32: stack slots in use. 0 between calls. Above the maximum after a trap: too deep. */
  depth: 'atoll:depth',
  /** Mutable i32: 1 if the engine could not give memory that the rules allow: a host fault. */
  outOfMemory: 'atoll:oom',
  /** Memory 0, whether or not the module exports it. */
  memory: 'atoll:memory',
  /** Table 0, if there is one. */
  table: 'atoll:table',
  /** The dirty map: one byte for each 4 KiB chunk of memory 0, not zero if it was stored to. */
  dirty: 'atoll:dirty',
  /** The start function, which instantiation no longer runs. */
  start: 'atoll:start',
  /** memory.grow with its rules and its gas, for hosts whose imports must grow the memory. */
  grow: 'atoll:grow',
} as const

/** The export of a mutable global of the module, by its index in the original. */
export const globalExport = (index: number): string => `${RESERVED_PREFIX}global:${index}`
