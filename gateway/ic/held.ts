import type { ServerResponse } from 'node:http'
import { IC_HOLD_MAX_MS, SOCKET_IDLE_MAX_MS } from '../../protocol/index.ts'

/** Keeps a connection on which nothing comes or goes while an answer is waited for; resolves when the client goes before it has it. */
export function goneOf(response: ServerResponse): Promise<void> {
  response.setTimeout(IC_HOLD_MAX_MS + SOCKET_IDLE_MAX_MS)
  return new Promise(resolve => response.once('close', resolve))
}
