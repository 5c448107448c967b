import {
  AO_PUBLISHED_HELD_MAX_BYTES,
  AO_SLOTS_LOOKED_AT_MAX,
  type Computer,
  Failure,
  type ProcessDescription,
  type Slot,
} from '../../../protocol/index.ts'
import { type Published, PublishedState } from './published-state.ts'

/** Takes what is wanted, at once. */
type Picker<T> = (published: Published) => T

/**
 * What processes of AO publish of their state, as HyperBEAM's `patch@1.0` does it: a message with that device is for no
 * receiver, its tags are merged into what was published before. It follows from the results, so nothing of it is stored;
 * what was read is held for whoever asks next, and only what came after it is read then.
 *
 * 1. All that is in memory is held and counted, from its first byte on.
 * 2. What somebody waits for is not dropped for others: whoever finds no room then is told so.
 * 3. Another epoch may have other results, so it has a state of its own.
 */
export class PublishedStates {
  readonly #computer: Computer
  /** Those asked for last stand at the end. */
  readonly #held = new Map<string, { readonly state: PublishedState; bytes: number }>()
  #bytes = 0
  /** When those who read what was published long ago are done. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(computer: Computer) {
    this.#computer = computer
  }

  /** Picks of what `process` has published before slot `end`, or a later one if others asked for that. @throws {Failure} `too-large`, `busy` and others */
  latest<T>(process: ProcessDescription, end: Slot, signal: AbortSignal, pick: Picker<T>): Promise<T> {
    return this.#read(nameOf(process), process, end, signal, pick)
  }

  /**
   * Picks of what `process` had published before slot `end`: read from the beginning, so only as far as one request looks,
   * and by one after the other.
   * @throws {Failure} `malformed-request`, `too-large`, `busy` and others
   */
  async before<T>(process: ProcessDescription, end: Slot, signal: AbortSignal, pick: Picker<T>): Promise<T> {
    const name = nameOf(process)
    const latest = this.#held.get(name)?.state
    if (latest?.end === end) return pick(latest.look())
    if (end > AO_SLOTS_LOOKED_AT_MAX) {
      const note = 'what was published is told as of the last slot, or of one of the first'
      throw new Failure('malformed-request', { max: AO_SLOTS_LOOKED_AT_MAX }, { note })
    }
    const read = () => this.#read(`${name}/${end}`, process, end, signal, pick)
    if (this.#held.get(`${name}/${end}`)?.state.end === end) return read()
    const inTurn = this.#turn.then(read)
    this.#turn = inTurn.catch(() => undefined)
    return inTurn
  }

  async #read<T>(
    name: string,
    { id }: ProcessDescription,
    end: Slot,
    signal: AbortSignal,
    pick: Picker<T>,
  ): Promise<T> {
    const place = this.#held.get(name) ?? {
      state: new PublishedState(this.#computer, id, () => this.#resized(name)),
      bytes: 0,
    }
    const { state } = place
    this.#held.delete(name)
    this.#held.set(name, place)
    state.users++
    try {
      this.#resized(name)
      await state.readTo(end, signal)
      return pick(state.look())
    } finally {
      state.users--
    }
  }

  /** Counts a state anew and makes room for it. @throws {Failure} `busy` if there is none: it is not held then */
  #resized(name: string): void {
    const place = this.#held.get(name)
    if (place === undefined) return
    const { size } = place.state
    this.#bytes += size - place.bytes
    place.bytes = size
    for (const [other, { state }] of this.#held) {
      if (this.#bytes <= AO_PUBLISHED_HELD_MAX_BYTES) return
      if (state.users === 0) this.#drop(other)
    }
    if (this.#bytes <= AO_PUBLISHED_HELD_MAX_BYTES) return
    this.#drop(name)
    throw new Failure('busy')
  }

  #drop(name: string): void {
    this.#bytes -= this.#held.get(name)?.bytes ?? 0
    this.#held.delete(name)
  }
}

const nameOf = ({ id, epoch }: ProcessDescription): string => `${id}/${epoch}`
