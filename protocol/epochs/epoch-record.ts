/**
 * What the owner of a process signs to hand it to other schedulers: docs/protocol/epochs.md.
 *
 * The body is `[1, bytes process, uint epoch, [bytes scheduler, …], uint quorum, [bytes unit, …], uint agree, uint length,
 * uint slots, bytes tree hash, bytes previous]`. It is the data of an ANS-104 item with the process as its target and one tag,
 * `Type: Epoch`, so that every kind of key which can spawn can hand over.
 *
 * 1. Two records are the same if their bodies are: signing anew makes no other record.
 * 2. A record goes on from exactly one other, which it names by the hash of its body; the first names 32 zero bytes.
 * 3. Each length and hash is taken that the owner signs: whether somebody has such blocks shows when they are looked for.
 */
import { equalBytes, MalformedBytes } from '../codec/bytes.ts'
import { CborReader, CborWriter } from '../codec/cbor.ts'
import { type DataItem, parseDataItem, verifyDataItem } from '../items/data-item.ts'
import { asKeyId, asProcessId, type KeyId, type ProcessId, type Slot } from '../ids.ts'
import { EPOCH_RECORD_MAX_BYTES, EPOCH_UNITS_MAX, EPOCHS_MAX, SCHEDULERS_MAX } from '../limits/limits.ts'
import type { FeedPrologue } from '../feeds/log-port.ts'
import { domainHash } from '../crypto/merkle.ts'
import type { ProcessDescription, ProcessPolicy } from '../process/process.ts'
import { readHash, readId, readSmall } from '../process/push.ts'
import type { Tag } from '../items/tags.ts'

export interface EpochRecord {
  readonly process: ProcessId
  /** One more than the epoch it ends. */
  readonly epoch: number
  /** From then on. */
  readonly policy: Omit<ProcessPolicy, 'unitsFrom'>
  /** The blocks with which the feed of the new epoch begins. */
  readonly prologue: FeedPrologue
  /** Slots in these blocks: the first that the new epoch gives. */
  readonly slots: Slot
  /** Hash of the record before it; zeros in the first. */
  readonly previous: Uint8Array
}

/** A record as it was read from an item, whose signature was not looked at. */
export interface SignedEpoch {
  readonly item: DataItem
  readonly record: EpochRecord
}

export const EPOCH_TAGS: readonly Tag[] = [{ name: 'Type', value: 'Epoch' }]
/** What the first record of a process names as the one before it. */
export const NO_EPOCH = new Uint8Array(32)

export function encodeEpochRecord({ process, epoch, policy, prologue, slots, previous }: EpochRecord): Uint8Array {
  const writer = new CborWriter()
  writer.array(11)
  writer.uint(1)
  writer.base64Url(process)
  writer.uint(epoch)
  writeKeys(writer, policy.schedulers)
  writer.uint(policy.schedulerQuorum)
  writeKeys(writer, policy.computeUnits)
  writer.uint(policy.computeQuorum)
  writer.uint(prologue.length)
  writer.uint(slots)
  writer.bytes(prologue.hash)
  writer.bytes(previous)
  return writer.finish()
}

/** @throws {MalformedBytes} also for what can hold for no process */
export function decodeEpochRecord(bytes: Uint8Array): EpochRecord {
  const reader = new CborReader(bytes)
  if (reader.array() !== 11) throw new MalformedBytes('epoch record: expected 11 fields', 0)
  if (reader.uint() !== 1) throw new MalformedBytes('epoch record: unknown version', reader.offset)
  const process = asProcessId(readId(reader))
  const epoch = readSmall(reader)
  const schedulers = readKeys(reader, SCHEDULERS_MAX)
  const schedulerQuorum = readSmall(reader)
  const computeUnits = readKeys(reader, EPOCH_UNITS_MAX)
  const computeQuorum = readSmall(reader)
  const length = readSmall(reader)
  const slots = readSmall(reader)
  const hash = readHash(reader).slice()
  const previous = readHash(reader).slice()
  reader.end()
  const record = {
    process,
    epoch,
    policy: { schedulers, schedulerQuorum, computeUnits, computeQuorum },
    prologue: { length, hash },
    slots,
    previous,
  }
  const reason = refuteShape(record)
  if (reason !== undefined) throw new MalformedBytes(`epoch record: ${reason}`, 0)
  return record
}

/** Why there can be no such record; nothing, if there can. */
export function refuteShape({ epoch, policy, prologue, slots }: EpochRecord): string | undefined {
  const { schedulers, schedulerQuorum, computeUnits, computeQuorum } = policy
  if (epoch < 1) return 'the first epoch has no record'
  if (new Set(schedulers).size < schedulers.length || new Set(computeUnits).size < computeUnits.length)
    return 'the same key twice'
  if (2 * schedulerQuorum <= schedulers.length || schedulerQuorum > schedulers.length)
    return 'its quorum is not between half and all of the schedulers'
  if (computeQuorum < 1 || computeQuorum > computeUnits.length) return 'more compute units must agree than it names'
  if (slots < prologue.length) return 'a block has a slot at least'
  if (prologue.length < 1) return 'it leaves not even the spawn message'
  return undefined
}

/** Takes a record out of its item. @throws {MalformedBytes} if it has not exactly that form */
export function readEpochItem(bytes: Uint8Array): SignedEpoch {
  if (bytes.length > EPOCH_RECORD_MAX_BYTES)
    throw new MalformedBytes(`epoch record: more than ${EPOCH_RECORD_MAX_BYTES} bytes`, 0)
  const item = parseDataItem(bytes)
  const [tag] = item.tags
  const isTagged = item.tags.length === 1 && tag?.name === 'Type' && tag.value === 'Epoch'
  if (!isTagged || item.anchor !== undefined)
    throw new MalformedBytes('epoch record: expected the one tag Type: Epoch', 0)
  const record = decodeEpochRecord(item.data)
  if (item.target !== record.process) throw new MalformedBytes('epoch record: the target is another process', 0)
  return { item, record }
}

/** By which the next record names this one; the same for all items with that body. */
export function epochHash(record: EpochRecord): Uint8Array {
  return domainHash('atoll/epoch/1', encodeEpochRecord(record))
}

/**
 * Why a record is not the next of a process; nothing, if it is. `owner` is the address of who may hand it over, `last` the hash of
 * its newest record.
 */
export function refuteEpoch(
  { item, record }: SignedEpoch,
  process: Pick<ProcessDescription, 'id' | 'epoch'>,
  { owner, last }: { readonly owner: string; readonly last: Uint8Array },
): string | undefined {
  if (record.process !== process.id) return 'it is of another process'
  if (record.epoch !== process.epoch + 1)
    return `it is of epoch ${record.epoch}, and the process is in ${process.epoch}`
  if (record.epoch > EPOCHS_MAX) return `a process has at most ${EPOCHS_MAX} epochs`
  if (!equalBytes(record.previous, last)) return 'it goes on from another record'
  return refuteOwner(item, owner)
}

/** Why an item is not the owner's; nothing, if it is. */
export function refuteOwner(item: DataItem, owner: string): string | undefined {
  if (item.ownerAddress !== owner) return 'another key than its owner signed it'
  return verifyDataItem(item) ? undefined : 'its signature does not hold'
}

/** The process in the epoch that a record begins. */
export function withEpoch(
  process: ProcessDescription,
  { epoch, policy, prologue, slots }: EpochRecord,
): ProcessDescription {
  const { earlier = [], policy: before } = process
  const ended = { epoch: process.epoch, policy: before, prologue: process.prologue, firstSlot: process.firstSlot }
  return {
    ...process,
    epoch,
    policy: { ...policy, unitsFrom: unitsFrom(before, policy) },
    prologue,
    firstSlot: slots,
    earlier: [...earlier, ended],
  }
}

/**
 * A process in the epoch to which its records lead, each of them checked. `owner`: see `refuteEpoch`.
 * @throws {Error} saying which does not hold
 */
export function provenEpochs(
  spawned: ProcessDescription,
  items: readonly Uint8Array[],
  owner: string,
): ProcessDescription {
  if (items.length > EPOCHS_MAX) throw new Error(`more than ${EPOCHS_MAX} epochs`)
  let process = spawned
  let last: Uint8Array = NO_EPOCH
  for (const item of items) {
    const signed = readEpochItem(item)
    const reason = refuteEpoch(signed, process, { owner, last })
    if (reason !== undefined) throw new Error(`the record of epoch ${process.epoch + 1} of ${process.id}: ${reason}`)
    process = withEpoch(process, signed.record)
    last = epochHash(signed.record)
  }
  return process
}

/** Units that stay as they are keep their positions. */
function unitsFrom(before: ProcessPolicy, { computeUnits, computeQuorum }: EpochRecord['policy']): number {
  const { unitsFrom: first = 0 } = before
  const isSame = computeQuorum === before.computeQuorum && computeUnits.join() === before.computeUnits.join()
  return isSame ? first : first + before.computeUnits.length
}

function writeKeys(writer: CborWriter, keys: readonly KeyId[]): void {
  writer.array(keys.length)
  for (const key of keys) writer.base64Url(key)
}

function readKeys(reader: CborReader, max: number): KeyId[] {
  const count = reader.array()
  if (count < 1 || count > max) throw new MalformedBytes(`epoch record: expected 1 to ${max} keys`, reader.offset)
  return Array.from({ length: count }, () => asKeyId(readId(reader)))
}
