import { type Computer, Failure, type ProcessId, type Result, type Slot } from '../../../protocol/index.ts'
import { CountedFields } from './counted-fields.ts'
import type { Fields } from './fields.ts'
import { patchesOf } from './patch.ts'

/** What a process has published before slot `end`. It is changed in place: what is wanted of it is taken at once. */
export interface Published {
  readonly end: Slot
  readonly fields: Fields
}

/** What one process publishes, read result by result. Once it failed to hold that, it holds nothing and tells why. */
export class PublishedState {
  /** Those who wait for it. */
  users = 0
  readonly #computer: Computer
  readonly #process: ProcessId
  readonly #resized: () => void
  #counted = new CountedFields()
  #end: Slot = 0
  #failure: Failure | undefined
  #reading: Promise<void> | undefined

  /** `resized` is called when it has become larger or smaller, and may throw if there is no room. */
  constructor(computer: Computer, process: ProcessId, resized: () => void) {
    this.#computer = computer
    this.#process = process
    this.#resized = resized
  }

  /** Bytes of memory. */
  get size(): number {
    return PLACE_BYTES + this.#counted.bytes
  }

  /** The first slot that was not read. */
  get end(): Slot {
    return this.#end
  }

  /** As it is at this moment. @throws {Failure} `too-large`, `busy` */
  look(): Published {
    if (this.#failure !== undefined) throw this.#failure
    return { end: this.#end, fields: this.#counted.fields }
  }

  /** Reads the results before slot `end`; one reader at a time, whom others wait for. @throws {Failure} */
  async readTo(end: Slot, signal: AbortSignal): Promise<void> {
    while (this.look().end < end) {
      if (signal.aborted) throw new Failure('aborted', {}, { cause: signal.reason })
      if (this.#reading === undefined) {
        this.#reading = this.#read(end, signal)
        try {
          await this.#reading
        } finally {
          this.#reading = undefined
        }
      } else await this.#reading.catch(() => undefined)
    }
  }

  async #read(end: Slot, signal: AbortSignal): Promise<void> {
    for await (const result of this.#computer.results(this.#process, this.#end, end, { signal })) {
      if (signal.aborted) throw new Failure('aborted', {}, { cause: signal.reason })
      this.#take(result)
    }
    if (this.#end < end) throw new Failure('timeout')
  }

  #take(result: Result): void {
    const patches = patchesOf(result)
    this.#end = result.slot + 1
    if (patches.length === 0) return
    try {
      for (const patch of patches) this.#counted.merge(patch)
      this.#resized()
    } catch (error) {
      this.#failure = Failure.from(error)
      this.#counted = new CountedFields()
      this.#resized()
      throw this.#failure
    }
  }
}

/** Of the state itself. */
const PLACE_BYTES = 1024
