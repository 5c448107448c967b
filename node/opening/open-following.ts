import type {
  Clock,
  Failure,
  FeedLinks,
  HeadWatch,
  KeyId,
  Log,
  Peers,
  ProcessDescription,
} from '../../protocol/index.ts'
import type { Announcements } from '../following/announcements.ts'
import { FeedFollowing } from '../following/feed-following.ts'
import { LearnedModules } from '../learning/learned-modules.ts'
import type { LearnedProcesses } from '../learning/learned-processes.ts'
import type { Units } from './open-units.ts'
import type { Meetings } from '../following/meetings.ts'
import { ProcessFollowing } from '../following/process-following.ts'
import { ProloguePull } from '../handovers/prologue-pull.ts'
import type { Seeders } from '../following/seeders.ts'

export interface OpenFollowingParts {
  readonly key: KeyId
  readonly log: Log
  readonly clock: Clock
  readonly peers: Peers
  readonly links: FeedLinks
  readonly units: Pick<Units, 'computer' | 'messenger'>
  readonly watch?: HeadWatch | undefined
  readonly meetings?: Pick<Meetings, 'await'> | undefined
  /** Whether this node evaluates at all; it does, if not given. */
  readonly computes?: boolean | undefined
  /** Nodes that are connected now. */
  readonly connected: () => readonly KeyId[]
  /** Where feeds are besides with those that their processes name. */
  readonly seeders?: Seeders | undefined
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
  /** A process is in a new epoch. */
  moved(process: ProcessDescription): void
  /** Goes on with what it did when it was last up; call once it can be reached. */
  resume(): Promise<void>
}

export function openFollowing(
  parts: OpenFollowingParts & { readonly announcements: Announcements; readonly learned: LearnedProcesses },
): Following {
  const { key, log, clock, peers, links, units, watch, meetings, computes, offence, trouble, announcements } = parts
  const feeds = new FeedFollowing({
    log,
    links,
    clock,
    watch,
    meetings,
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
    feeds,
    seeders: parts.seeders,
    trouble,
  })
  const prologues = new ProloguePull({
    key,
    log,
    clock,
    peers,
    connected: parts.connected,
    begun: async process => {
      if (computes !== false && process.policy.computeUnits.includes(key)) await processes.evaluate(process)
    },
    trouble,
  })
  return {
    feeds,
    processes,
    moved(process) {
      processes.moved(process)
      prologues.want(process)
      announcements.tell(process)
    },
    resume: async () => {
      await prologues.resume()
      await processes.resume()
      await announcements.resume()
    },
    [Symbol.dispose]: () => {
      announcements[Symbol.dispose]()
      prologues[Symbol.dispose]()
      processes[Symbol.dispose]()
      parts.seeders?.[Symbol.dispose]()
    },
  }
}
