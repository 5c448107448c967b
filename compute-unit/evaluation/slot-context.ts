import {
  type CellKey,
  type Cells,
  domainHash,
  concatBytes,
  fromBase64Url,
  type GuestContext,
  type ProcessDescription,
  type ProcessId,
  type ResultError,
  type Slot,
  TIMER_INTERVAL_MIN_MS,
  toUtf8,
} from '../../protocol/index.ts'
import { GuestLimit } from './guest-limit.ts'
import type { CellTable } from './cell-table.ts'
import type { Mailbox } from './mailbox.ts'
import { Outbox } from './outbox.ts'
import { ProgramCells } from './program-cells.ts'

const LOG_MAX_CHARACTERS = 64 * 1024

export interface SlotContextParts {
  readonly process: ProcessDescription
  readonly cells: CellTable<Uint8Array>
  readonly mailbox: Mailbox
  timersChanged(): void
}

/**
 * What a guest can reach while a slot runs: one object for each process, made ready for each slot by `begin`.
 * A limit the guest broke is remembered, whatever it makes of the exception.
 */
export class SlotContext implements GuestContext {
  readonly cells: Cells
  brokenLimit: ResultError | undefined
  logged = ''
  patienceGas: bigint | undefined
  readonly #parts: SlotContextParts
  #slot: Slot = 0
  #timestampMs = 0
  #outbox: Outbox | undefined
  #randomBlocks = 0

  constructor(parts: SlotContextParts) {
    this.#parts = parts
    this.cells = new ProgramCells(parts.cells, limit => this.#broken(limit))
  }

  /** Makes ready for a slot: nothing of an earlier one is left. */
  begin(slot: Slot, timestampMs: number): void {
    this.#slot = slot
    this.#timestampMs = timestampMs
    this.#outbox = undefined
    this.#randomBlocks = 0
    this.brokenLimit = undefined
    this.logged = ''
  }

  /** What the guest asked to be sent; nothing if it sent nothing. */
  get sent(): Outbox | undefined {
    return this.#outbox
  }

  get #sending(): Outbox {
    this.#outbox ??= new Outbox(this.#parts.process, this.#slot)
    return this.#outbox
  }

  send(message: Parameters<GuestContext['send']>[0]): void {
    this.#limited(() => this.#sending.send(message))
  }

  spawn(spawn: Parameters<GuestContext['spawn']>[0]): ProcessId {
    return this.#limited(() => this.#sending.spawn(spawn))
  }

  assign(message: string, processes: readonly string[], exclude: readonly string[]): void {
    this.#limited(() => this.#sending.assign(message, processes, exclude))
  }

  setTimer(key: CellKey, dueMs: number, everyMs?: number): void {
    // A timer that is due at once would fire in a circle; storms end by construction.
    const earliest = this.#timestampMs + TIMER_INTERVAL_MIN_MS
    this.#parts.timersChanged()
    this.#limited(() => this.#parts.mailbox.setTimer({ key, dueMs: Math.max(dueMs, earliest), everyMs }))
  }

  clearTimer(key: CellKey): void {
    this.#parts.timersChanged()
    this.#parts.mailbox.clearTimer(key)
  }

  timerDueMs(key: CellKey): number | undefined {
    return this.#parts.mailbox.timer(key)?.dueMs
  }

  log(text: string): void {
    if (this.logged.length >= LOG_MAX_CHARACTERS) return
    this.logged = `${this.logged}${text}\n`.slice(0, LOG_MAX_CHARACTERS)
  }

  random(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at += 32) {
      const seed = toUtf8(`/${this.#slot}/${this.#randomBlocks}`)
      const block = domainHash('atoll/random/1', concatBytes(fromBase64Url(this.#parts.process.id), seed))
      this.#randomBlocks += 1
      bytes.set(block.subarray(0, Math.min(32, length - at)), at)
    }
    return bytes
  }

  #limited<T>(call: () => T): T {
    try {
      return call()
    } catch (error) {
      if (error instanceof GuestLimit) this.#broken(error)
      throw error
    }
  }

  #broken({ code, message }: GuestLimit): void {
    this.brokenLimit ??= { code, message }
  }
}
