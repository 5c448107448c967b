import {
  type Assign,
  asProcessId,
  childId,
  DEPTH_MAX,
  FUEL_MIN,
  findTag,
  type GuestMessage,
  type GuestSend,
  type GuestSpawn,
  isId,
  makePush,
  namesScheduler,
  OUTBOX_MAX,
  OUTBOX_SIZE_MAX_BYTES,
  OUTBOX_SPAWNS_MAX,
  policyTags,
  type ProcessDescription,
  type ProcessId,
  type Push,
  type PushBody,
  readPolicy,
  type Slot,
  TAGS_MAX,
  TAGS_SIZE_MAX_BYTES,
  type Tag,
} from '../../protocol/index.ts'
import { GuestLimit } from './guest-limit.ts'
import type { Mailbox } from './mailbox.ts'

interface Send extends Pick<GuestSend, 'depthMin' | 'fuelMax' | 'always'> {
  readonly to: ProcessId
  readonly body: PushBody
  /** If not one below its cause. */
  readonly depth?: number | undefined
}

/** What a guest asks to be sent in one slot, within limits. It becomes pushes only if the slot ends well. */
export class Outbox {
  readonly assigns: Assign[] = []
  readonly dropped: string[] = []
  readonly #process: ProcessDescription
  readonly #slot: Slot
  readonly #sends: Send[] = []
  #bytes = 0
  #spawns = 0

  constructor(process: ProcessDescription, slot: Slot) {
    this.#process = process
    this.#slot = slot
  }

  send(message: GuestSend): void {
    const { to, tags, data, anchor, ...how } = message
    if (!isId(to)) {
      this.#drop(`a message to "${to.slice(0, 60)}": not the id of a process`)
      return
    }
    this.#add({ to: asProcessId(to), body: { kind: 'message', tags: wellFormed(tags), data, anchor }, ...how })
  }

  spawn(spawn: GuestSpawn): ProcessId {
    this.#spawns += 1
    if (this.#spawns > OUTBOX_SPAWNS_MAX) throw new GuestLimit('outbox-limit', `more than ${OUTBOX_SPAWNS_MAX} spawns`)
    const named = findTag(spawn.tags, 'Module') === undefined ? [{ name: 'Module', value: spawn.module }] : []
    const policy = spawn.tags.some(namesScheduler) ? [] : policyTags(this.#process.policy)
    const to = childId(this.#process.id, this.#slot, this.#sends.length)
    const tags = wellFormed([...spawn.tags, ...named, ...policy])
    const fault = faultOfSpawn(tags)
    const { data, anchor, depthMin, fuelMax } = spawn
    if (fault === undefined) this.#add({ to, body: { kind: 'spawn', tags, data, anchor }, depthMin, fuelMax })
    else this.#drop(`a spawn: ${fault}`)
    return to
  }

  assign(message: string, processes: readonly string[], exclude: readonly string[]): void {
    for (const process of processes) {
      if (!isId(message) || !isId(process)) this.#drop(`an assignment of "${message.slice(0, 60)}"`)
      else this.assigns.push({ message, process, exclude })
      this.#bound()
    }
  }

  /**
   * The pushes of a slot that ended well: each gets its seq, one level more of depth, unless it says its own, and an equal share of
   * the fuel that is left, or less if it says so. Without fuel, or too deep, they are dropped, and the result says so; answers
   * never are.
   */
  seal(mailbox: Mailbox, cause: Pick<GuestMessage, 'depth' | 'origin'>, fuel: bigint, gas: bigint): Push[] {
    if (this.#sends.length === 0) return []
    const count = BigInt(this.#sends.length)
    const share = atLeastNothing(fuel - gas) / count
    const slot = this.#slot
    const { id: from } = this.#process
    const { origin } = cause
    const below = cause.depth + 1
    const sent: Push[] = []
    let isSpent = false
    for (const [place, { to, body, depth: said, depthMin = 0, fuelMax, always }] of this.#sends.entries()) {
      const depth = said ?? Math.max(below, depthMin)
      const own = fuelMax === undefined ? share : atLeastNothing(BigInt(fuelMax) - gas / count)
      const brought = own < share ? own : share
      isSpent ||= brought < FUEL_MIN
      if (always !== true && (depth > DEPTH_MAX || brought < FUEL_MIN)) continue
      const index = sent.length
      // The id of a child names its place: at another nobody would take it.
      if (body.kind === 'spawn' && index !== place) continue
      sent.push(makePush({ from, slot, index, seq: mailbox.takeSeq(to), to, depth, fuel: brought, origin }, body))
    }
    const dropped = this.#sends.length - sent.length
    if (dropped > 0) this.#drop(`${dropped} messages: ${isSpent ? 'no fuel left' : `deeper than ${DEPTH_MAX}`}`)
    return sent
  }

  #add(send: Send): void {
    const { tags, data, anchor } = send.body
    const tagBytes = tags.reduce((sum, tag) => sum + Buffer.byteLength(tag.name) + Buffer.byteLength(tag.value), 0)
    if (tags.length > TAGS_MAX || tagBytes > TAGS_SIZE_MAX_BYTES) {
      throw new GuestLimit('outbox-limit', 'a message with too many tags')
    }
    this.#bytes += data.length + tagBytes + (anchor?.length ?? 0)
    if (this.#bytes > OUTBOX_SIZE_MAX_BYTES)
      throw new GuestLimit('outbox-limit', `more than ${OUTBOX_SIZE_MAX_BYTES} bytes`)
    this.#sends.push(send)
    this.#bound()
  }

  #bound(): void {
    if (this.#sends.length + this.assigns.length > OUTBOX_MAX) {
      throw new GuestLimit('outbox-limit', `more than ${OUTBOX_MAX} messages`)
    }
  }

  #drop(text: string): void {
    if (this.dropped.length < 16) this.dropped.push(`dropped ${text}`)
  }
}

/** Half a character, as a program may cut it from a text, cannot travel. */
function wellFormed(tags: readonly Tag[]): readonly Tag[] {
  if (tags.every(({ name, value }) => name.isWellFormed() && value.isWellFormed())) return tags
  return tags.map(({ name, value }) => ({ name: name.toWellFormed(), value: value.toWellFormed() }))
}

const atLeastNothing = (gas: bigint): bigint => (gas > 0n ? gas : 0n)

/** Why a process of these tags could never be: its spawn would block whatever follows it to the same child. */
function faultOfSpawn(tags: readonly Tag[]): string | undefined {
  if (!isId(findTag(tags, 'Module') ?? '')) return 'its module is no id'
  try {
    readPolicy(tags)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : 'its policy makes no sense'
  }
}
