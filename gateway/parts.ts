import type { IncomingMessage, ServerResponse } from 'node:http'
import type {
  CallOptions,
  Clock,
  Computer,
  EvidenceEntry,
  EvidenceKind,
  FollowedFeedView,
  HandoverStand,
  KeyId,
  Log,
  Messenger,
  PeerView,
  ProcessDescription,
  ProcessId,
  Scheduler,
} from '../protocol/index.ts'

/** What a node says of itself; the rest of its description comes from its units. */
export interface NodeInfo {
  readonly key: KeyId
  readonly version: string
  readonly units: readonly string[]
  /** Its name among peers and the addresses at which they reach it, if it has any. */
  readonly peerId?: string | undefined
  readonly addresses?: readonly string[] | undefined
  /** Nodes it is linked to. */
  readonly linkedPeers?: number | undefined
  /** Module-Format names this node runs. */
  readonly formats: readonly string[]
  /** Milliseconds since 1970. */
  readonly startedMs: number
}

/** What those who run a node may do with it. */
export interface NodeAdmin {
  /** Facts for people: sizes, queues, counts. */
  status(): Promise<Readonly<Record<string, string | number | boolean>>>
  /** Writes checkpoints now; gives how many. */
  checkpoint(process: ProcessId | undefined): Promise<number>
  /** Copies the data folder, keys included, into a new folder. @throws {Failure} `already-there`, `disk-full` */
  backUp(folder: string): Promise<void>
  /** Begins to stop the node, and returns at once: the answer to the call still goes out. */
  shutdown(): void
}

/** Other nodes, for whoever runs this one. Peers are named by key or peer id. */
export interface NodePeers {
  list(): readonly PeerView[]
  /** @throws {Failure} `bad-config` */
  add(address: string): void
  /** Milliseconds. @throws {Failure} `unreachable` */
  ping(peer: string, options: CallOptions): Promise<number>
  block(peer: string): Promise<void>
  unblock(peer: string): Promise<void>
}

/** What the node knows of broken rules. */
export interface KnownEvidence {
  list(wanted: { process?: ProcessId | undefined; kind?: EvidenceKind | undefined }): readonly EvidenceEntry[]
  get(id: string): EvidenceEntry | undefined
  /** @throws {Failure} `bad-evidence`, `unknown-process` */
  take(bytes: Uint8Array): Promise<{ readonly id: string; readonly isNew: boolean }>
  isSettled(entry: EvidenceEntry): Promise<boolean>
  /** Blocks that both feeds of a process have in common, if its schedulers signed two. */
  endOf(process: Pick<ProcessDescription, 'id' | 'epoch'>): number | undefined
}

/** What the node does for owners who hand processes over. */
export interface NodeHandovers {
  /** @throws {Failure} `bad-epoch`, `unknown-process`, `unreachable` */
  prepare(order: Uint8Array): Promise<HandoverStand>
  /** @throws {Failure} `bad-epoch`, `unknown-process`, `owner-equivocated` */
  take(item: Uint8Array): Promise<{ readonly process: ProcessId; readonly epoch: number; readonly isNew: boolean }>
}

/** Feeds of processes elsewhere that are taken over here. */
export interface NodeFeeds {
  list(): Promise<readonly FollowedFeedView[]>
  seed(process: ProcessId): Promise<void>
  unseed(process: ProcessId): Promise<void>
}

/** All that the operations stand on. */
export interface OperationParts {
  readonly messenger: Messenger
  readonly scheduler: Pick<Scheduler, 'key'>
  readonly computer: Computer
  readonly log: Log
  readonly clock: Clock
  readonly nodeInfo: () => NodeInfo
  /** Whom to name in spawn messages here; the node's own units, if not given. */
  readonly unitsToName?: (() => Promise<{ readonly scheduler: KeyId; readonly computeUnit: KeyId }>) | undefined
  /** None in a network of a test that has no use for it. */
  readonly evidence?: KnownEvidence | undefined
  /** Nothing, until the node is ready. */
  readonly handovers?: (() => NodeHandovers | undefined) | undefined
  readonly admin: NodeAdmin
  /** Absent where no peers are known. */
  readonly peers?: NodePeers | undefined
  /** What is followed of others; nothing before the node takes part, and where no peers are known. */
  readonly feeds?: (() => NodeFeeds | undefined) | undefined
}

/** Where the gateway writes down what happened; pino fits. */
export interface GatewayLogger {
  info(facts: object, text: string): void
  warn(facts: object, text: string): void
  error(facts: object, text: string): void
}

/**
 * Another face on the same port: answers the request and gives true, or leaves it alone and gives false.
 * Host rule, security headers and open CORS are in place; bodies are its own to bound. `url` takes the target of the request apart,
 * which costs as much as answering some requests. @throws {Failure} `malformed-request` if it is no path
 */
export type Mount = (request: IncomingMessage, response: ServerResponse, url: () => URL) => Promise<boolean>
