import { EvidenceBook, type EvidencePeers, HeadExchange, type HeadExchangeParts } from '../../evidence/index.ts'
import type { Network } from '../../network/index.ts'
import {
  type Clock,
  Failure,
  findFrame,
  type KeyId,
  type Log,
  messagesFeed,
  type ProcessDescription,
  type ProcessId,
  resultsFeed,
  type Slot,
} from '../../protocol/index.ts'
import { Complaints } from '../handovers/complaints.ts'

export interface OpenEvidenceParts {
  readonly key: KeyId
  readonly seed: Uint8Array
  readonly log: Log
  readonly clock: Clock
  /** A process, wherever it lives, as its own spawn message proves it. */
  readonly describe: (process: ProcessId) => Promise<ProcessDescription | undefined>
  /** In which epoch a process is here, and at somebody else. */
  readonly epochs?: HeadExchangeParts['epochs']
  /** Other nodes, if it knows any. */
  readonly peers: EvidencePeers | undefined
  readonly trouble: (what: string, failure: Failure) => void
}

/** How what was noticed is called in the log of a node. */
const CODES = { equivocation: 'equivocated', fault: 'verification-failed', complaint: 'timeout' } as const

/** What a node knows of broken rules, and how it comes to know. */
export interface Evidence extends Disposable {
  readonly book: EvidenceBook
  /** Only among other nodes. */
  readonly heads: HeadExchange | undefined
  readonly complaints: Complaints | undefined
}

export async function openEvidence({
  key,
  seed,
  log,
  clock,
  describe,
  epochs,
  peers,
  trouble,
}: OpenEvidenceParts): Promise<Evidence> {
  let heads: HeadExchange | undefined
  const book = await EvidenceBook.open({
    log,
    clock,
    describe,
    evaluated: (process, firstSlot) => ownCertificate(log, key, process, firstSlot),
    share: (entry, from) => heads?.share(entry, from),
    trouble,
    noticed: ({ id, kind, process, accused, epoch }) => {
      trouble('evidence', new Failure(CODES[kind], { kind, process, evidence: id, accused }))
      if (kind === 'equivocation') void again(process, epoch).catch(error => trouble('evidence', Failure.from(error)))
    },
  })
  const again = async (id: ProcessId, epoch = 0): Promise<void> => {
    const process = heads && (await describe(id))
    if (process !== undefined) heads?.again(process, epoch)
  }
  heads = peers && new HeadExchange({ log, clock, peers, book, trouble, epochs })
  const complaints = peers && new Complaints({ seed, clock, take: bytes => book.take(bytes), trouble })
  return {
    book,
    heads,
    complaints,
    [Symbol.dispose]() {
      complaints?.[Symbol.dispose]()
      heads?.[Symbol.dispose]()
    },
  }
}

/** The network as far as evidence goes. */
export function evidencePeers(network: Pick<Network, 'call' | 'peers'>): EvidencePeers {
  return {
    get peers() {
      return network.peers
    },
    showHeads: (to, heads) => network.call(to, 'heads', heads),
    prefix: (from, wish) => network.call(from, 'prefix', wish),
    lacks: (to, ids) => network.call(to, 'lackedComplaints', ids),
    tell: (to, evidence) => network.call(to, 'evidence', evidence),
  }
}

/** What this node's own evaluation certified of the frame that begins with a slot; nothing, if it has not come to it. */
async function ownCertificate(
  log: Log,
  key: KeyId,
  process: ProcessDescription,
  firstSlot: Slot,
): Promise<Uint8Array | undefined> {
  const frame = await findFrame(log, messagesFeed(process), firstSlot)
  return frame?.firstSlot === firstSlot ? log.block(resultsFeed(process, key), frame.index) : undefined
}
