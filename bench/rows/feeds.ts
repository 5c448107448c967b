/** Feeds of other nodes: catching up with one, and following many. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { askProgram } from '../peer-child.ts'
import type { Row } from './row.ts'
import { perSecond } from './show.ts'

const CatchUpFigures = z.object({
  slots: z.number(),
  elapsedMs: z.number(),
  sourceCpuMs: z.number(),
  followerCpuMs: z.number(),
})
const FollowFigures = z.object({
  messages: z.number(),
  sourceCpuMs: z.number(),
  followerCpuMs: z.number(),
  followingBytes: z.number(),
  afterLoadBytes: z.number(),
})

const PROGRAM = new URL('../programs/feeds.ts', import.meta.url)
const [SLOTS, QUICK_SLOTS] = [200_000, 20_000]
const [FEEDS, QUICK_FEEDS] = [10_000, 500]
const [PER_SECOND, SECONDS, QUICK_SECONDS] = [1_000, 20, 3]
const [SLOTS_GOAL, CPU_GOAL_MS, RAM_GOAL_BYTES] = [20_000, 0.5, 20 * 1024]
const KIB = 1024

export const feedsRow: Row = {
  number: 14,
  title: 'Feeds of other nodes',
  covers:
    'Two programs with a HypercoreLog each, over libp2p on loopback (TCP, noise, yamux), with the cipher of a node and its settings ' +
    'of the engine and the C library. First the follower takes over one feed from its start: messages with 512 bytes of data, 90 to ' +
    'a frame; heads and hashes are checked, blocks and the message index written, nothing is evaluated. Then it follows 10,000 feeds ' +
    'while 1,000 messages a second come to all in turn, one to a frame: the CPU of the source is all of it, journal and signing too. ' +
    'Memory is what following them adds to the follower, resident and at rest: all that came is on disk, and garbage was collected.',
  async run(context) {
    const asNode = { ...context, asNode: true }
    const folder = await mkdtemp(join(tmpdir(), 'bench-feeds-'))
    try {
      const caught = await askProgram(
        PROGRAM,
        { folder: join(folder, 'one'), catchUp: { slots: context.quick ? QUICK_SLOTS : SLOTS } },
        CatchUpFigures,
        asNode,
      )
      const rate = (caught.slots / caught.elapsedMs) * 1_000
      context.add({
        what: 'Catching up with a feed from a peer',
        measured: `${perSecond(rate, 'slots')} (CPU ${caught.sourceCpuMs} ms there, ${caught.followerCpuMs} ms here)`,
        goal: `≥ ${SLOTS_GOAL.toLocaleString('en')}/s`,
        met: rate >= SLOTS_GOAL,
      })
      const follow = {
        feeds: context.quick ? QUICK_FEEDS : FEEDS,
        perSecond: PER_SECOND,
        seconds: context.quick ? QUICK_SECONDS : SECONDS,
      }
      const followed = await askProgram(PROGRAM, { folder: join(folder, 'many'), follow }, FollowFigures, asNode)
      const most = Math.max(followed.sourceCpuMs, followed.followerCpuMs)
      context.add({
        what: `Following ${follow.feeds.toLocaleString('en')} feeds at ${PER_SECOND.toLocaleString('en')} messages a second, CPU of a message`,
        measured: `${followed.sourceCpuMs.toFixed(2)} ms there, ${followed.followerCpuMs.toFixed(2)} ms here`,
        goal: `≤ ${CPU_GOAL_MS} ms each`,
        met: most <= CPU_GOAL_MS,
      })
      context.add({
        what: 'Memory of the follower, for each feed',
        measured: `${(followed.followingBytes / KIB).toFixed(1)} KiB, ${(followed.afterLoadBytes / KIB).toFixed(1)} KiB after the load`,
        goal: `≤ ${RAM_GOAL_BYTES / KIB} KiB`,
        met: Math.max(followed.followingBytes, followed.afterLoadBytes) <= RAM_GOAL_BYTES,
      })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}
