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
export function measureRestate(options: PeerOptions = {}): Promise<RestateFigures> {
  const counts = options.quick
    ? { runs: 1, chainHops: 100, pairs: 100, pairHops: 4 }
    : { runs: 3, chainHops: 600, pairs: 100, pairHops: 40 }
  return measure('hops', counts, options)
}

/**
 * The same of durable calls from one object to another, whose answers are awaited one after the other; a call and its
 * answer count as one.
 */
export function measureRestateCalls(options: PeerOptions = {}): Promise<RestateFigures> {
  const counts = options.quick
    ? { runs: 1, chainHops: 100, pairs: 50, pairHops: 4 }
    : { runs: 3, chainHops: 200, pairs: 50, pairHops: 20 }
  return measure('calls', counts, options)
}

async function measure(
  what: 'hops' | 'calls',
  counts: {
    readonly runs: number
    readonly chainHops: number
    readonly pairs: number
    readonly pairHops: number
  },
  options: PeerOptions,
): Promise<RestateFigures> {
  await installPeers(options)
  const dataFolder = await mkdtemp(join(tmpdir(), 'bench-restate-'))
  try {
    return await askPeer('restate', { dataFolder, measure: what, ...counts }, RestateFigures, options)
  } finally {
    await rm(dataFolder, { recursive: true, force: true })
  }
}
