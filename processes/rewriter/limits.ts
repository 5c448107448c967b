/**
 * Static limits: checked before the engine sees a byte, because an engine given a hostile module
 * takes seconds, gigabytes, or aborts (71 bytes that declare ten huge tables are enough).
 */
export interface ModuleLimits {
  /** The engine reads, compiles and keeps all of it. */
  readonly moduleSizeMaxBytes: number
  readonly typesMax: number
  readonly importsMax: number
  /** As on the Internet Computer. */
  readonly functionsMax: number
  /** As on the Internet Computer; every mutable one is read and written by a snapshot. */
  readonly globalsMax: number
  readonly exportsMax: number
  readonly tablesMax: number
  /** Of each table, at once and after growth: the engine allocates all of it eagerly. */
  readonly tableElementsMax: number
  /** Data segments, and element segments. */
  readonly segmentsMax: number
  /** Items of all element segments together. */
  readonly elementsMax: number
  readonly customSectionsMax: number
  readonly customSectionsMaxBytes: number
  /** An optimising compiler is worse than linear in the size of one function. */
  readonly bodyMaxBytes: number
  /** Locals of a function, parameters included: each is a stack slot and a zeroing at entry. */
  readonly localsMax: number
  readonly parametersMax: number
  readonly resultsMax: number
  /** Operands that lie on the stack of one function at the same time. */
  readonly operandsMax: number
  /**
   * Operands that all blocks, branches and calls of the module take and give: three bytes can move
   * hundreds, and a megabyte of them kept an engine busy for 11 s.
   */
  readonly operandsMovedTotalMax: number
  /** Blocks in blocks. */
  readonly nestingMax: number
  readonly brTableEntriesMax: number
  /** Of the whole module: 6.5 MB of branch tables took 8 s and 2.8 GB to compile. */
  readonly brTableEntriesTotalMax: number
  /**
   * Of the whole module: locals and operands of each branch table times its targets, for which an engine reconciles
   * where each value lies. 64 million of them took 4 s to compile, and 35 s to optimise.
   */
  readonly brTableValuesTotalMax: number
}

const MEBIBYTE = 1024 * 1024

export const DEFAULT_LIMITS: ModuleLimits = {
  moduleSizeMaxBytes: 10 * MEBIBYTE,
  typesMax: 10_000,
  importsMax: 1_000,
  functionsMax: 50_000,
  globalsMax: 1_000,
  exportsMax: 10_000,
  tablesMax: 4,
  tableElementsMax: 65_536,
  segmentsMax: 10_000,
  elementsMax: 100_000,
  customSectionsMax: 16,
  customSectionsMaxBytes: MEBIBYTE,
  bodyMaxBytes: MEBIBYTE,
  localsMax: 4_096,
  parametersMax: 256,
  resultsMax: 256,
  operandsMax: 4_096,
  operandsMovedTotalMax: 8_000_000,
  nestingMax: 1_024,
  brTableEntriesMax: 4_096,
  brTableEntriesTotalMax: 65_536,
  // No less than what the bounds above allow.
  brTableValuesTotalMax: 65_536 * (4_096 + 4_096),
}

/** Rewritten bodies may not pass this: engines refuse functions above 7,654,321 bytes. */
export const REWRITTEN_BODY_MAX_BYTES = 7_000_000
