import type { Signer } from '../protocol/index.ts'
import { Client } from './client.ts'
import { httpTransport } from './http-transport.ts'

/** Where a node listens unless it is told otherwise. */
export const DEFAULT_URL = 'http://127.0.0.1:7333'

export interface ConnectOptions {
  readonly url?: string | undefined
  /** Signs what calls do not give a signer of their own. */
  readonly signer?: Signer | undefined
  readonly fetch?: typeof fetch | undefined
  /** For admin operations. */
  readonly adminToken?: string | undefined
}

/** A client of the node at `to`; nothing is sent before the first call. */
export function connect(to: string | ConnectOptions = {}): Client {
  const { url = DEFAULT_URL, signer, fetch, adminToken } = typeof to === 'string' ? { url: to } : to
  return new Client({ transport: httpTransport({ url, fetch, adminToken }), signer })
}
