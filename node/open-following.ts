import type { Clock, Failure, FeedLinks, HeadWatch, KeyId, Log, Peers } from '../protocol/index.ts'
import type { Announcements } from './announcements.ts'
import { FeedFollowing } from './feed-following.ts'
import { LearnedModules } from './learned-modules.ts'
import type { LearnedProcesses } from './learned-processes.ts'
import type { Units } from './open-units.ts'
import { ProcessFollowing } from './process-following.ts'

export interface OpenFollowingParts {
  readonly key: KeyId
  readonly log: Log
  readonly clock: Clock
  readonly peers: Peers
  readonly links: FeedLinks
  readonly units: Pick<Units, 'computer' | 'messenger'>
  readonly watch?: HeadWatch | undefined
  /** Whether this node evaluates at all; it does, if not given. */
  readonly computes?: boolean | undefined
  /** Nodes that are connected now. */
  readonly connected: () => readonly KeyId[]
  /** A node gave what proves nothing. */
  readonly offence?: ((peer: KeyId, what: string) => void) | undefined
  readonly trouble: (what: string, failure: Failure) => void
}

/** What a node does about feeds beyond its own, whatever connects it to others. */
export interface Following extends Disposable {
  /** Feeds of any kind. */
  readonly feeds: FeedFollowing
  /** Processes that are scheduled elsewhere. */
  readonly processes: ProcessFollowing
  /** Goes on with what it did when it was last up; call once it can be reached. */
  resume(): Promise<void>
}

export function openFollowing(parts: OpenFollowingParts & { readonly announcements: Announcements; readonly learned: LearnedProcesses }): Following {
  const { key, log, clock, peers, links, units, watch, computes, offence, trouble, announcements } = parts
  const feeds = new FeedFollowing({
    log,
    links,
    clock,
    watch,
    offence: (peer, { kind, process }) => offence?.(peer, `blocks of ${kind} of ${process} that no head covers`),
    trouble: ({ process }, failure) => trouble(`process ${process}`, failure),
  })
  const processes = new ProcessFollowing({
    key,
    computes,
    log,
    clock,
    processes: parts.learned,
    modules: new LearnedModules({ directory: log.directory, peers }),
    units,
    peers,
    connected: parts.connected,
    feeds,
    trouble,
  })
  return {
    feeds,
    processes,
    resume: async () => {
      await processes.resume()
      await announcements.resume()
    },
    [Symbol.dispose]: () => {
      announcements[Symbol.dispose]()
      processes[Symbol.dispose]()
    },
  }
}
