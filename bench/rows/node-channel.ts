/** What the benchmark and its node say to each other. */

export interface NodeInput {
  readonly data: string
  readonly hosts?: number | undefined
  /** Bytes of guests kept loaded; the node's own default, if not given. */
  readonly residentBytes?: number | undefined
  /** Where other nodes reach it, and whom it keeps a connection to; without these it is alone. */
  readonly listen?: readonly string[] | undefined
  readonly peer?: readonly string[] | undefined
}

/**
 * - heapBytes: JavaScript heap and buffers of the node, after a collection.
 * - loadedProcesses: how many processes stand in hosts; each is given a checkpoint on the way.
 */
export type NodeQuestion = 'heapBytes' | 'loadedProcesses'

export type NodeAnswer = { readonly url: string; readonly scheduler: string } | { readonly value: number }
