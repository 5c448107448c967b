import {
  type CellKey,
  type Cells,
  domainHash,
  concatBytes,
  fromBase64Url,
  type GuestContext,
  type ProcessId,
  type ResultError,
  type Slot,
  TIMER_INTERVAL_MIN_MS,
  toUtf8,
} from '../../protocol/index.ts'
import { GuestLimit } from './cells.ts'
import type { Mailbox } from './mailbox.ts'
import type { Outbox } from './outbox.ts'

const LOG_MAX_CHARACTERS = 64 * 1024

export interface SlotContextParts {
  readonly process: ProcessId
  readonly slot: Slot
  readonly timestampMs: number
  readonly cells: Cells
  readonly outbox: Outbox
  readonly mailbox: Mailbox
  timersChanged(): void
}

/** What a guest can reach while one slot runs. A limit it broke is remembered, whatever the guest makes of the exception. */
export class SlotContext implements GuestContext {
  readonly cells: Cells
  brokenLimit: ResultError | undefined
  logged = ''
  readonly #parts: SlotContextParts
  #randomBlocks = 0

  constructor(parts: SlotContextParts) {
    this.#parts = parts
    this.cells = this.#limitedCells(parts.cells)
  }

  send(message: Parameters<GuestContext['send']>[0]): void {
    this.#limited(() => this.#parts.outbox.send(message))
  }

  spawn(spawn: Parameters<GuestContext['spawn']>[0]): ProcessId {
    return this.#limited(() => this.#parts.outbox.spawn(spawn))
  }

  assign(message: string, processes: readonly string[], exclude: readonly string[]): void {
    this.#limited(() => this.#parts.outbox.assign(message, processes, exclude))
  }

  setTimer(key: CellKey, dueMs: number, everyMs?: number): void {
    // A timer that is due at once would fire in a circle; storms end by construction.
    const earliest = this.#parts.timestampMs + TIMER_INTERVAL_MIN_MS
    this.#parts.timersChanged()
    this.#limited(() => this.#parts.mailbox.setTimer({ key, dueMs: Math.max(dueMs, earliest), everyMs }))
  }

  clearTimer(key: CellKey): void {
    this.#parts.timersChanged()
    this.#parts.mailbox.clearTimer(key)
  }

  log(text: string): void {
    if (this.logged.length >= LOG_MAX_CHARACTERS) return
    this.logged = `${this.logged}${text}\n`.slice(0, LOG_MAX_CHARACTERS)
  }

  random(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at += 32) {
      const seed = toUtf8(`/${this.#parts.slot}/${this.#randomBlocks}`)
      const block = domainHash('atoll/random/1', concatBytes(fromBase64Url(this.#parts.process), seed))
      this.#randomBlocks += 1
      bytes.set(block.subarray(0, Math.min(32, length - at)), at)
    }
    return bytes
  }

  #limited<T>(call: () => T): T {
    try {
      return call()
    } catch (error) {
      if (error instanceof GuestLimit) this.brokenLimit ??= { code: error.code, message: error.message }
      throw error
    }
  }

  #limitedCells(cells: Cells): Cells {
    return {
      get: key => this.#limited(() => cells.get(key)),
      set: (key, value) => this.#limited(() => cells.set(key, value)),
      delete: key => this.#limited(() => cells.delete(key)),
      add: (key, delta) => this.#limited(() => cells.add(key, delta)),
      scan: options => this.#limited(() => cells.scan(options)),
    }
  }
}
