import type {
  Clock,
  Computer,
  Failure,
  KeyId,
  Log,
  MessageId,
  Messenger,
  ProcessDescription,
  ProcessId,
  Slot,
} from '../../protocol/index.ts'
import type { IcKeys } from './keys.ts'
import type { QueryClerk } from './query-clerk.ts'

/** Results of a process that were evaluated just now, of slots that are durable. */
export interface EvaluatedResults {
  readonly process: ProcessId
  readonly firstSlot: Slot
  /** Encoded results, in slot order: taken apart when they are asked for. */
  results(): readonly Uint8Array[]
}

/** Which canister a request makes, among nodes. */
export interface Creations {
  /** The process of a request: what a node in reach has made of it, or what `make` makes. One call at a time for each request. */
  once(id: MessageId, make: () => Promise<ProcessId>): Promise<ProcessId>
  /** Tells others what `known` says that a request made. */
  tell(known: (id: MessageId) => Promise<ProcessId | undefined>): void
}

/** What the IC's face of a node stands on. */
export interface IcFacadeParts {
  readonly log: Log
  readonly clock: Clock
  readonly messenger: Pick<Messenger, 'submit' | 'ingress'>
  readonly computer: Pick<Computer, 'result' | 'results' | 'evaluated' | 'follow' | 'query'>
  readonly scheduler: { readonly key: KeyId }
  readonly keys: IcKeys
  /** Nothing, if there are no other nodes. */
  readonly creations?: Creations | undefined
  readonly version: string
  /** Signature of a message by the root key. */
  sign(message: Uint8Array): Promise<Uint8Array>
  /** Reads queries, and signs their answers by the node's key for queries. */
  readonly clerk: QueryClerk
  /** The same for requests that canisters may have signed: checking that takes so long that nobody else should wait behind it. */
  readonly notary: QueryClerk
  /** The signed spawn of a process that a request makes. */
  signSpawn(request: Uint8Array, requestId: Uint8Array): Promise<Uint8Array>
  /** The process of a principal, wherever it is scheduled; nothing, if nobody in reach knows one. */
  processOf(principal: Uint8Array): Promise<ProcessDescription | undefined>
  /** Whether results of this process are final as soon as this node has evaluated them. */
  speaksFor(process: ProcessDescription): boolean
  /** Has `see` told of all that is evaluated here from now on, of processes that this node speaks for. */
  watch(see: (evaluated: EvaluatedResults) => void): void
  /** What this machine is to blame for. */
  trouble?(failure: Failure): void
}
