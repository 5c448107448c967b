/**
 * AO's assignment items, made from the feed when somebody asks.
 *
 * 1. Everything in an item follows from the feed, its anchor from its place, and Ed25519 signatures
 *    are deterministic: whenever an item is made, it is the same item.
 * 2. H(0) = sha256(process id), H(n) = sha256(id of item n-1 ‖ H(n-1)): items are made in slot order.
 * 3. What is kept of an item is its signature and its hash; the rest is read from the feed again.
 *    Both are a cache: lost, they are made again.
 */
import {
  blockHeightAt,
  concatBytes,
  type DataItem,
  type DataItemFields,
  domainHash,
  envelopeId,
  Failure,
  fromBase64Url,
  type KeyId,
  type Log,
  type ProcessDescription,
  type ProcessId,
  sha256,
  type Slot,
  type StoreChange,
  type Tag,
  toBase64Url,
  toHex,
  toUtf8,
  WAIT_DEFAULT_MS,
} from '../../protocol/index.ts'
import { AO_VARIANT } from './ao-item.ts'
import { readSlots, type SlotEntry } from './feed-reader.ts'

/** An assignment as AO's scheduler unit writes it. */
export interface SuAssignment {
  readonly id: string
  readonly owner: { readonly address: string; readonly key: string }
  readonly tags: readonly Tag[]
  readonly signature: string
  readonly anchor: string
  readonly target: ''
}

/** What is kept of an assignment item: 64 bytes of signature, 32 of hash chain. */
interface Link {
  readonly signature: Uint8Array
  readonly hash: Uint8Array
}

export interface AssignmentChainParts {
  readonly log: Log
  readonly key: KeyId
  readonly signItem: (fields: DataItemFields) => DataItem
  /** How long one request waits for items; those of a long feed that nobody read yet take minutes. */
  readonly waitMs?: number | undefined
}

/** Items made before others get a turn: signatures take most of the time. */
const SLICE = 64
const LINKS = toUtf8('ao/assignment/')
const PLACES = toUtf8('ao/place/')
const SIGNATURE_BYTES = 64
const NO_BYTES = new Uint8Array(0)

/** Makes and remembers the assignment items of all processes of a node. */
export class AssignmentChain {
  readonly #parts: AssignmentChainParts
  readonly #running = new Map<ProcessId, Promise<void>>()

  constructor(parts: AssignmentChainParts) {
    this.#parts = parts
  }

  /** The assignments of entries of the feed of `process`, in ascending order of slots. */
  async assignments(process: ProcessDescription, entries: readonly SlotEntry[]): Promise<SuAssignment[]> {
    const last = entries.at(-1)
    if (last === undefined) return []
    await this.#extend(process, last.slot)
    const keys = entries.map(entry => linkKey(process.id, entry.slot))
    const links = await this.#parts.log.store.getMany(keys)
    return entries.map((entry, i) => {
      const bytes = links[i]
      if (bytes === undefined) throw new Error(`no link at slot ${entry.slot} after extending`)
      return this.#assignment(process, entry, readLink(bytes))
    })
  }

  #assignment(process: ProcessDescription, entry: SlotEntry, link: Link): SuAssignment {
    const { tags, anchorText } = assignmentFields(process, entry, link.hash)
    return {
      id: toBase64Url(sha256(link.signature)),
      owner: { address: this.#parts.key, key: this.#parts.key },
      tags,
      signature: toBase64Url(link.signature),
      anchor: anchorText,
      target: '',
    }
  }

  /**
   * The slot of `process` that is known by `id` there: of an assignment item, or of a message of
   * another process that was assigned. Nothing if there is none in slots before `end`.
   */
  async slotOf(process: ProcessDescription, id: string, end: Slot): Promise<Slot | undefined> {
    if (end > 0) await this.#extend(process, end - 1)
    const bytes = await this.#parts.log.store.get(placeKey(process.id, id))
    return bytes === undefined ? undefined : readSlotNumber(bytes)
  }

  /** @throws {Failure} `timeout`: what was made by then is kept, and making goes on */
  async #extend(process: ProcessDescription, slot: Slot): Promise<void> {
    const untilMs = performance.now() + (this.#parts.waitMs ?? WAIT_DEFAULT_MS)
    // Whoever comes while items are made waits, and then looks whether they reach far enough.
    while ((await this.#link(process.id, slot)) === undefined) {
      const running = this.#running.get(process.id) ?? this.#start(process, slot)
      await within(running, untilMs - performance.now(), process.id)
    }
  }

  #start(process: ProcessDescription, to: Slot): Promise<void> {
    const running = this.#make(process, to).finally(() => this.#running.delete(process.id))
    running.catch(() => undefined)
    this.#running.set(process.id, running)
    return running
  }

  async #make(process: ProcessDescription, to: Slot): Promise<void> {
    const { log, signItem } = this.#parts
    let { slot, link } = await this.#last(process.id)
    let changes: StoreChange[] = []
    for await (const entry of readSlots(log, process, slot, to + 1)) {
      const fields = assignmentFields(process, entry, nextHash(process.id, link))
      const item = signItem({
        anchor: toUtf8(fields.anchorText),
        tags: fields.tags,
        data: NO_BYTES,
      })
      link = { signature: item.signature, hash: fields.hash }
      slot = entry.slot + 1
      changes.push(
        { key: linkKey(process.id, entry.slot), value: concatBytes(link.signature, link.hash) },
        { key: placeKey(process.id, item.id), value: slotNumber(entry.slot) },
      )
      if (entry.envelope.kind === 'assign') {
        const message = envelopeId(entry.envelope.message, process.id, entry.slot)
        changes.push({ key: placeKey(process.id, message), value: slotNumber(entry.slot) })
      }
      if (changes.length < 2 * SLICE) continue
      log.store.write(changes)
      changes = []
      await new Promise(resolve => setImmediate(resolve))
    }
    log.store.write(changes)
    if (slot <= to) throw new Error(`feed of ${process.id} ends at slot ${slot}, expected ${to}`)
  }

  /** The first slot without a link, and the link before it. */
  async #last(process: ProcessId): Promise<{ slot: Slot; link: Link | undefined }> {
    const [gte, lt] = [linkKey(process, 0), linkKey(process, Number.MAX_SAFE_INTEGER)]
    const last = this.#parts.log.store.range({ gte, lt, limit: 1, reverse: true })
    for await (const { key, value } of last) {
      return { slot: readSlotNumber(key.subarray(LINKS.length + 32)) + 1, link: readLink(value) }
    }
    return { slot: 0, link: undefined }
  }

  async #link(process: ProcessId, slot: Slot): Promise<Link | undefined> {
    const bytes = await this.#parts.log.store.get(linkKey(process, slot))
    return bytes === undefined ? undefined : readLink(bytes)
  }
}

async function within(running: Promise<void>, ms: number, process: ProcessId): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const note = 'the assignment items of a long feed are still being made'
    const give = (): void => reject(new Failure('timeout', { process }, { note }))
    timer = setTimeout(give, Math.max(0, ms))
  })
  try {
    await Promise.race([running, late])
  } finally {
    clearTimeout(timer)
  }
}

function nextHash(process: ProcessId, previous: Link | undefined): Uint8Array {
  if (previous === undefined) return sha256(fromBase64Url(process))
  return sha256(concatBytes(sha256(previous.signature), previous.hash))
}

function assignmentFields(
  process: ProcessDescription,
  entry: SlotEntry,
  hash: Uint8Array,
): { tags: Tag[]; anchorText: string; hash: Uint8Array } {
  const { slot, timestampMs, envelope } = entry
  const inner = envelope.kind === 'assign' ? envelope.message : envelope
  const excluded = envelope.kind === 'assign' ? envelope.exclude : []
  const tags: [name: string, value: string][] = [
    ['Process', process.id],
    ['Epoch', String(process.epoch)],
    ['Nonce', String(slot)],
    ['Hash-Chain', toBase64Url(hash)],
    ['Block-Height', String(blockHeightAt(timestampMs))],
    ['Timestamp', String(timestampMs)],
    ['Data-Protocol', 'ao'],
    ['Type', 'Assignment'],
    ['Variant', AO_VARIANT],
  ]
  if (slot > 0) tags.push(['Message', envelopeId(inner, process.id, slot)])
  for (const name of excluded) tags.push(['Exclude', name])
  const place = concatBytes(fromBase64Url(process.id), slotNumber(slot))
  // Text of 32 characters, because AO's wire shows anchors as text.
  const anchorText = toHex(domainHash('atoll/ao-assignment-anchor/1', place).subarray(0, 16))
  return { tags: tags.map(([name, value]) => ({ name, value })), anchorText, hash }
}

function readLink(bytes: Uint8Array): Link {
  return { signature: bytes.subarray(0, SIGNATURE_BYTES), hash: bytes.subarray(SIGNATURE_BYTES) }
}

function linkKey(process: ProcessId, slot: Slot): Uint8Array {
  return concatBytes(LINKS, fromBase64Url(process), slotNumber(slot))
}

function placeKey(process: ProcessId, id: string): Uint8Array {
  return concatBytes(PLACES, fromBase64Url(process), fromBase64Url(id))
}

/** Eight bytes, big-endian: keys in order of slots. */
function slotNumber(slot: Slot): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(slot))
  return bytes
}

function readSlotNumber(bytes: Uint8Array): Slot {
  return Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0))
}
