import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { PeerOptions } from './peer-child.ts'
import { askPeer } from './peer-child.ts'
import { installPeers } from './peer-install.ts'

const HopFigures = z.object({
  hops: z.number(),
  hopsPerSecond: z.number(),
  /** Server and service together; null without /proc. */
  cpuMsPerHop: z.number().nullable(),
})

const RestateFigures = z.object({
  setup: z.string(),
  chain: HopFigures,
  pairs: HopFigures.extend({ pairs: z.number() }),
})

export type RestateFigures = z.infer<typeof RestateFigures>

/**
 * Durable process-to-process hops a second between keyed virtual objects that message each other
 * one way: one chain alone, then many pairs at the same time. Medians of several runs.
 */
export async function measureRestate(options: PeerOptions = {}): Promise<RestateFigures> {
  await installPeers(options)
  const dataFolder = await mkdtemp(join(tmpdir(), 'bench-restate-'))
  try {
    const counts = options.quick
      ? { runs: 1, chainHops: 100, pairs: 100, pairHops: 4 }
      : { runs: 3, chainHops: 600, pairs: 100, pairHops: 40 }
    return await askPeer('restate', { dataFolder, ...counts }, RestateFigures, options)
  } finally {
    await rm(dataFolder, { recursive: true, force: true })
  }
}
