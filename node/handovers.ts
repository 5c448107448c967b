/**
 * Who schedules processes that were handed over, as far as this node knows.
 *
 * 1. A record counts if the owner of the process signed it and it goes on from the one before; nobody who brings it is believed.
 * 2. It is on disk before anything follows from it, and what follows can be done again: after a crash it is done at the start.
 * 3. What is new goes to all peers but the one that brought it. Who is behind is told, or asks, when heads are compared, when a
 *    scheduler says `moved` or is not reached, and when a process is met for the first time.
 * 4. Two records of one epoch that differ, both signed by the owner, are the owner's fault: the process stands still for good.
 */
import {
  beginEpoch,
  type Clock,
  equalBytes,
  epochHash,
  type EpochRecord,
  Failure,
  type KeyId,
  type Log,
  MalformedBytes,
  messagesFeed,
  NO_EPOCH,
  type ProcessDescription,
  type ProcessId,
  readEpochItem,
  refuteEpoch,
  refuteOwner,
  type SignedEpoch,
  toUtf8,
} from '../protocol/index.ts'

/** Whoever was asked about a process in vain is not asked again for so long. */
const ASK_AGAIN_MS = 1_000
/** Peers that are asked at once. */
const ASKED_MAX = 8
/** Where the second record of an owner who signed two is kept. */
const CONFLICTS = 'node/epoch-conflict'
const ASKED_PROCESSES_MAX = 10_000
/** Processes of which is known that they were asked about. */
const CONFIRMED_MAX = 100_000
/** Pauses before what follows from a record is tried again, and how often it is. */
const AGAIN_MIN_MS = 1_000
const AGAIN_MAX_MS = 60_000
const ATTEMPTS_MAX = 10
/** How long a message waits for peers that do not answer. */
const CONFIRM_MAX_MS = 1_000

/** Other nodes, as far as handovers go. */
export interface EpochPeers {
  /** Those that are connected. */
  readonly peers: readonly KeyId[]
  tell(to: KeyId, item: Uint8Array): Promise<void>
  ask(from: KeyId, process: ProcessId): Promise<readonly Uint8Array[]>
}

/** What depends on who schedules a process. */
export interface MovingUnits {
  /** Nothing more is added to the feed of a process; resolves when all that was taken has its slot. */
  hold(process: ProcessId): Promise<void>
  /** It may be added to again. */
  release(process: ProcessId): void
  /** The process is in a new epoch; of its feed there is what was held of earlier ones, or nothing yet. */
  moved(process: ProcessDescription): Promise<void>
}

export interface HandoversParts {
  /** This node's own. */
  readonly key: KeyId
  readonly log: Log
  readonly clock: Pick<Clock, 'now' | 'sleep'>
  /** A process, wherever it lives. */
  readonly describe: (process: ProcessId) => Promise<ProcessDescription | undefined>
  readonly peers: EpochPeers | undefined
  readonly trouble: (what: string, failure: Failure) => void
}

export class Handovers {
  readonly #parts: HandoversParts
  readonly #turns = new Map<ProcessId, Promise<unknown>>()
  readonly #asked = new Map<ProcessId, { readonly atMs: number; readonly asking: Promise<boolean> }>()

  readonly #confirmed = new Map<ProcessId, Promise<void>>()
  #units: MovingUnits | undefined
  /** Told of a process that is in a new epoch, once the units are. */
  moved: ((process: ProcessDescription) => void) | undefined

  constructor(parts: HandoversParts) {
    this.#parts = parts
  }

  /** Does again what may have been left undone when this node was last up; call before the units evaluate or schedule. */
  async begin(units: MovingUnits): Promise<void> {
    this.#units = units
    const { log, trouble } = this.#parts
    for (const id of log.directory.handedOver) {
      const process = await log.directory.process(id)
      if (process === undefined) continue
      await this.#applyOrLater(process)
    }
    // The log has forgotten why it was frozen.
    for await (const { value } of log.store.range({ gte: toUtf8(`${CONFLICTS}/`), lt: toUtf8(`${CONFLICTS}0`) })) {
      await this.take(value).catch(error => trouble('epochs', Failure.from(error)))
    }
  }

  /**
   * Takes a record that somebody brought: checks it, keeps it, acts upon it, hands it on.
   * @throws {Failure} `bad-epoch`, `unknown-process`, `owner-equivocated`
   */
  async take(bytes: Uint8Array, from?: KeyId): Promise<{ readonly process: ProcessId; readonly epoch: number; readonly isNew: boolean }> {
    const signed = readItem(bytes)
    const { process, epoch } = signed.record
    const isNew = await this.#inTurn(process, () => this.#take(signed, from))
    return { process, epoch, isNew }
  }

  /** All records of a process, for whoever asks. */
  itemsOf(process: ProcessId): readonly Uint8Array[] {
    return this.#parts.log.directory.epochItems(process)
  }

  /** The address of whoever may hand a process over: who signed the spawn message of its eldest ancestor. @throws {Failure} `unknown-process` */
  async ownerOf(process: ProcessDescription): Promise<string> {
    let eldest = process
    while (eldest.parent !== undefined) {
      const parent = await this.#parts.describe(eldest.parent)
      if (parent === undefined) throw new Failure('unknown-process', { process: eldest.parent })
      eldest = parent
    }
    return eldest.owner
  }

  /** Asks others whether a process was handed over: `first` if given, then whoever is connected. True, if there was something new. */
  look(process: ProcessId, first?: KeyId): Promise<boolean> {
    const nowMs = this.#parts.clock.now()
    const known = this.#asked.get(process)
    if (known !== undefined && nowMs - known.atMs < ASK_AGAIN_MS) return known.asking
    if (this.#asked.size >= ASKED_PROCESSES_MAX) this.#asked.clear()
    const asking = this.#ask(process, first).catch(() => false)
    this.#asked.set(process, { atMs: nowMs, asking })
    return asking
  }

  /** Asks others once a run about a process that was spawned before it; none of them is waited for for long. */
  async confirm(process: ProcessId): Promise<void> {
    const { log, clock, peers } = this.#parts
    if (peers === undefined || peers.peers.length === 0) return
    const known = this.#confirmed.get(process)
    if (known !== undefined) return known
    if ((await log.directory.process(process)) === undefined) return
    if (this.#confirmed.size >= CONFIRMED_MAX) this.#confirmed.clear()
    const asked = Promise.race([this.look(process), clock.sleep(CONFIRM_MAX_MS, { for: 'wait' })]).then(() => undefined)
    this.#confirmed.set(process, asked)
    return asked
  }

  /** A peer takes a process to be in another epoch than this node does: whoever is behind is told. */
  met(process: ProcessId, here: number, there: number, peer: KeyId): void {
    if (there > here) void this.look(process, peer)
    else void this.#tell(peer, process, there).catch(() => undefined)
  }

  async #tell(to: KeyId, process: ProcessId, known: number): Promise<void> {
    for (const item of this.itemsOf(process).slice(known)) await this.#parts.peers?.tell(to, item)
  }

  async #ask(process: ProcessId, first: KeyId | undefined): Promise<boolean> {
    const { peers } = this.#parts
    if (peers === undefined) return false
    const others = [...new Set([...(first === undefined ? [] : [first]), ...peers.peers])].slice(0, ASKED_MAX)
    const found = await Promise.all(
      others.map(async peer => {
        let isNew = false
        for (const item of await peers.ask(peer, process)) if ((await this.take(item, peer)).isNew) isNew = true
        return isNew
      }).map(asked => asked.catch(() => false)),
    )
    return found.includes(true)
  }

  async #inTurn<T>(process: ProcessId, body: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(process) ?? Promise.resolve()).then(body)
    const settled = turn.catch(() => undefined)
    this.#turns.set(process, settled)
    try {
      return await turn
    } finally {
      if (this.#turns.get(process) === settled) this.#turns.delete(process)
    }
  }

  async #take(signed: SignedEpoch, from: KeyId | undefined): Promise<boolean> {
    const { log, describe } = this.#parts
    const units = this.#units
    if (units === undefined) throw new Failure('busy', {}, { note: 'the node is just starting' })
    const { record, item } = signed
    const process = await describe(record.process)
    if (process === undefined) throw new Failure('unknown-process', { process: record.process })
    const owner = await this.ownerOf(process)
    const items = this.itemsOf(process.id)
    if (record.epoch <= process.epoch) {
      const held = items[record.epoch - 1]
      if (held !== undefined && !isSame(held, record)) await this.#owned(process, held, signed, owner)
      return false
    }
    const last = items.at(-1)
    const reason = refuteEpoch(signed, process, { owner, last: last === undefined ? NO_EPOCH : epochHash(readEpochItem(last).record) })
    if (reason !== undefined) throw new Failure('bad-epoch', { process: process.id, epoch: record.epoch, reason })
    await units.hold(process.id)
    try {
      await log.directory.addEpoch(process.id, item.bytes)
    } catch (error) {
      units.release(process.id)
      throw error
    }
    const now = await log.directory.process(process.id)
    if (now !== undefined) await this.#applyOrLater(now)
    // Who is not told goes on as if nothing was.
    await this.#share(item.bytes, from, [...record.policy.schedulers, ...process.policy.schedulers])
    return true
  }

  /** What fails is tried again a little later, and others hear of the record all the same; nothing stays held for good. */
  async #applyOrLater(process: ProcessDescription, attempt = 1): Promise<void> {
    const { log, clock, trouble } = this.#parts
    try {
      await this.#apply(process)
    } catch (error) {
      trouble(`handover of ${process.id}`, Failure.from(error))
      // Its lane opens only once its feed has all that it begins with.
      if (attempt >= ATTEMPTS_MAX) return this.#units?.release(process.id)
      const pauseMs = Math.min(AGAIN_MIN_MS * 2 ** (attempt - 1), AGAIN_MAX_MS)
      const again = async (): Promise<void> => {
        const now = await log.directory.process(process.id)
        if (now?.epoch === process.epoch) await this.#applyOrLater(now, attempt + 1)
      }
      void clock
        .sleep(pauseMs, { for: 'wait' })
        .then(() => this.#inTurn(process.id, again))
        .catch(failure => trouble(`handover of ${process.id}`, Failure.from(failure)))
    }
  }

  async #apply(process: ProcessDescription): Promise<void> {
    const { log } = this.#parts
    const key = toUtf8(`node/epoch/${process.id}`)
    const [done] = (await log.store.get(key)) ?? []
    // What the units know is written in order: once this is there, the rest is.
    const isNew = done !== process.epoch % 256
    await beginEpoch(log, process, { isNew })
    if (isNew) {
      await this.#units?.moved(process)
      log.store.write([{ key, value: new Uint8Array([process.epoch % 256]) }])
    }
    this.moved?.(process)
  }

  /** The owner may have signed two records of one epoch; if so, nothing of either counts from here on. */
  async #owned(process: ProcessDescription, held: Uint8Array, seen: SignedEpoch, owner: string): Promise<void> {
    const reason = refuteOwner(seen.item, owner)
    if (reason !== undefined) throw new Failure('bad-epoch', { process: process.id, epoch: seen.record.epoch, reason })
    const { log, trouble } = this.#parts
    const length = Math.min(readEpochItem(held).record.prologue.length, seen.record.prologue.length)
    const failure = new Failure('owner-equivocated', { process: process.id, epoch: seen.record.epoch, blocks: length })
    log.freeze(messagesFeed(process), length, failure)
    const key = toUtf8(`${CONFLICTS}/${process.id}`)
    if ((await log.store.get(key)) === undefined) {
      log.store.write([{ key, value: seen.item.bytes.slice() }])
      trouble('epochs', failure)
      void this.#share(seen.item.bytes, undefined, [])
    }
    throw failure
  }

  /** Resolves once those who have to know at once do, or cannot be told. */
  async #share(item: Uint8Array, from: KeyId | undefined, atOnce: readonly KeyId[]): Promise<void> {
    const { peers } = this.#parts
    const told = new Set([...(peers?.peers ?? []), ...atOnce])
    const awaited: Promise<unknown>[] = []
    for (const peer of told) {
      if (peer === from || peer === this.#parts.key) continue
      const telling = peers?.tell(peer, item).catch(() => undefined)
      if (telling !== undefined && atOnce.includes(peer)) awaited.push(telling)
    }
    if (from === undefined) await Promise.all(awaited)
  }
}

export function isSame(held: Uint8Array, record: EpochRecord): boolean {
  return equalBytes(epochHash(readEpochItem(held).record), epochHash(record))
}

/** @throws {Failure} `bad-epoch` */
export function readItem(bytes: Uint8Array): SignedEpoch {
  try {
    return readEpochItem(bytes)
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error
    throw new Failure('bad-epoch', {}, { cause: error, note: error.message })
  }
}
