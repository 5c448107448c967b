import {
  AO_PUBLISHED_HELD_MAX_BYTES,
  AO_PUBLISHED_MAX_BYTES,
  AO_SLOTS_LOOKED_AT_MAX,
  type Computer,
  Failure,
  type ProcessId,
  type Result,
  type Slot,
} from '../../protocol/index.ts'
import { resultAsAo } from './ao-result.ts'
import { type Fields, isMap, noFields } from './fields.ts'

/** What a process has published before slot `end`. */
export interface Published {
  readonly end: Slot
  readonly fields: Readonly<Fields>
}

/**
 * What processes of AO publish of their state, as HyperBEAM's `patch@1.0` does it: a message with that device is for no
 * receiver, its tags are merged into what was published before. It follows from the results, so nothing of it is stored;
 * what was read is held for whoever asks next, and only what came after it is read then.
 */
export class PublishedStates {
  readonly #computer: Computer
  /** Those asked for last stand at the end. */
  readonly #held = new Map<ProcessId, PublishedState>()

  constructor(computer: Computer) {
    this.#computer = computer
  }

  /** What `process` has published before slot `end`, or a later one if others asked for that. @throws {Failure} `too-large` and others */
  async latest(process: ProcessId, end: Slot, signal: AbortSignal): Promise<Published> {
    const state = this.#held.get(process) ?? new PublishedState(this.#computer, process)
    this.#held.delete(process)
    this.#held.set(process, state)
    try {
      await state.readTo(end, signal)
    } finally {
      this.#makeRoom()
    }
    return state
  }

  /**
   * What `process` had published before slot `end`: read from the beginning, so only as far as one request looks.
   * @throws {Failure} `malformed-request`, `too-large` and others
   */
  async before(process: ProcessId, end: Slot, signal: AbortSignal): Promise<Published> {
    const held = this.#held.get(process)
    if (held?.end === end) return held
    if (end > AO_SLOTS_LOOKED_AT_MAX) {
      const note = 'what was published is told as of the last slot, or of one of the first'
      throw new Failure('malformed-request', { max: AO_SLOTS_LOOKED_AT_MAX }, { note })
    }
    const state = new PublishedState(this.#computer, process)
    await state.readTo(end, signal)
    return state
  }

  #makeRoom(): void {
    let bytes = 0
    for (const { size } of this.#held.values()) bytes += size
    for (const [process, { size }] of this.#held) {
      if (bytes <= AO_PUBLISHED_HELD_MAX_BYTES) break
      this.#held.delete(process)
      bytes -= size
    }
  }
}

/** Measuring again costs as much as all of it, so that much has to come in between. */
const UNMEASURED_MAX_BYTES = AO_PUBLISHED_MAX_BYTES / 4

class PublishedState {
  fields = noFields()
  readonly #computer: Computer
  readonly #process: ProcessId
  #end: Slot = 0
  #measured = 0
  #unmeasured = 0
  #isTooLarge = false
  #reading: Promise<void> | undefined

  constructor(computer: Computer, process: ProcessId) {
    this.#computer = computer
    this.#process = process
  }

  /** The first slot that was not read. */
  get end(): Slot {
    return this.#end
  }

  /** At most so many bytes as JSON, and a little for the place. */
  get size(): number {
    return PLACE_BYTES + this.#measured + this.#unmeasured
  }

  /** Reads the results before slot `end`; one reader at a time, whom others wait for. */
  async readTo(end: Slot, signal: AbortSignal): Promise<void> {
    if (this.#isTooLarge) throw tooLarge()
    while (this.#end < end) {
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
      if (publishes(result)) this.#take(result)
      this.#end = result.slot + 1
    }
    if (this.#end < end) throw new Failure('timeout')
  }

  #take(result: Result): void {
    for (const patch of resultAsAo(result, true).Messages.map(patchOf)) merge(this.fields, patch)
    this.#unmeasured += result.output.length
    if (this.#unmeasured <= UNMEASURED_MAX_BYTES) return
    this.#measured = Buffer.byteLength(JSON.stringify(this.fields))
    this.#unmeasured = 0
    if (this.#measured <= AO_PUBLISHED_MAX_BYTES) return
    this.#isTooLarge = true
    this.#measured = 0
    this.fields = noFields()
    throw tooLarge()
  }
}

const PLACE_BYTES = 1024

const tooLarge = (): Failure => new Failure('too-large', { maxBytes: AO_PUBLISHED_MAX_BYTES })

const DEVICE = 'patch@1.0'
const METHOD = 'PATCH'

/** Whether it is worth reading: most results publish nothing. */
function publishes({ status, output }: Result): boolean {
  if (status !== 'ok') return false
  const bytes = Buffer.from(output.buffer, output.byteOffset, output.length)
  return bytes.includes(DEVICE) || bytes.includes(METHOD)
}

/** What belongs to the message that publishes, not to what is published. */
const ENVELOPE: ReadonlySet<string> = new Set([
  'target',
  'anchor',
  'tags',
  'device',
  'method',
  'data-protocol',
  'variant',
  'type',
  'reference',
  'from-process',
  'from-module',
])

/** What a message publishes; nothing if it does not. */
function patchOf(message: unknown): Fields {
  const [all, patch] = [noFields(), noFields()]
  if (!isMap(message)) return patch
  Object.assign(all, message)
  for (const tag of tagsOf(message)) if (isMap(tag) && typeof tag['name'] === 'string') all[tag['name']] = tag['value']
  const isPatch = all['device'] === DEVICE || all['Device'] === DEVICE || all['method'] === METHOD
  if (!isPatch) return patch
  for (const [name, value] of Object.entries(all))
    if (!ENVELOPE.has(name.toLowerCase()) && value !== undefined) patch[name] = value
  return patch
}

function tagsOf(message: Fields): readonly unknown[] {
  const tags = message['Tags']
  return Array.isArray(tags) ? tags : []
}

/** Maps are merged into maps; all else takes the place of what was there. */
function merge(into: Fields, patch: Fields): void {
  for (const [name, value] of Object.entries(patch)) {
    if (!isMap(value)) {
      into[name] = value
      continue
    }
    const before = into[name]
    const map = isMap(before) ? before : noFields()
    merge(map, value)
    into[name] = map
  }
}
