import type { CallOptions } from '../protocol/index.ts'
import type { Client } from '../sdk/index.ts'

/** What a server of tools is made of. */
export interface McpParts {
  /** Signs what tools send. */
  readonly client: Client
  readonly version: string
  /** The words that begin a command where this server was started. */
  readonly command: string
  /** Without it, tools only ask. */
  readonly allowWrite: boolean
  /** Ids and names of the processes that are shown; all that keep a contract, if there are none. */
  readonly processes: readonly string[]
  /** How long a tool may take. */
  readonly timeoutMs?: number | undefined
}

/** A call of one tool or the reading of one resource may take this long. */
const CALL_TIMEOUT_MS = 60_000

export function limitsOf({ timeoutMs = CALL_TIMEOUT_MS }: McpParts, signal: AbortSignal): CallOptions {
  return { timeoutMs, signal }
}
