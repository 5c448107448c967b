import { Failure, type ProcessId, SLOW_FOR_MS, type Slot } from '../../protocol/index.ts'
import type { HostSeat } from './host-pool.ts'
import { isTooLong } from './too-long.ts'

/** What failures at one place weigh when a process begins to be evaluated apart from all others. */
const APART_WEIGHT = 4
/** One that brings the host down; any other weighs 1: its host may be what is at fault, though it serves others. */
const FATAL_WEIGHT = 2
/** Times in a row that nobody is at fault; more of them are not by chance, and must not keep a core busy. */
const BLAMELESS_MAX = 3
/** Failures at one place after which whoever waits is told, instead of waiting on. */
const STANDS_STILL_AFTER = 3
/** A host that fails on the same frame this often is left alone for longer and longer. */
const RETRY_FIRST_MS = 100
const RETRY_MAX_MS = 60_000
/** Longest pause while the disk is what fails: it may have room again at any moment. */
const DISK_RETRY_MAX_MS = 2_000

/** Where a process may be evaluated. */
export interface Places {
  /** Its home. */
  readonly seat: HostSeat
  /** For processes that brought their host down. */
  readonly apart: HostSeat
  /** For what takes long: there it holds up only others that do. */
  readonly slow: HostSeat
}

/**
 * How evaluating one process failed, again and again at the same place.
 *
 * 1. A failure counts only if it was this process that ran: others that were with the same host have no part in it.
 * 2. Nothing here makes a result: a bug or a lack of memory is no fact about the process. It is tried again for ever, ever more seldom.
 */
export class Faults {
  readonly #process: ProcessId
  #count = 0
  #weight = 0
  #blameless = 0
  #block = 0
  #standing: Failure | undefined
  #slowUntilMs = 0

  constructor(process: ProcessId) {
    this.#process = process
  }

  /** Takes what failed while block `block` was next, of which `slot` is the first slot. Gives how long to wait. */
  add(failure: Failure, block: number, slot: Slot): number {
    if (block > this.#block) this.clear()
    this.#block = block
    const { bystander, fatal, cause } = failure.details
    if (bystander === true) {
      this.#blameless += 1
      return this.#blameless > BLAMELESS_MAX ? RETRY_FIRST_MS : 0
    }
    this.#count += 1
    const isFault = failure.code === 'host-fault'
    if (isFault) this.#weight += fatal === false ? 1 : FATAL_WEIGHT
    if (isFault && this.#count >= STANDS_STILL_AFTER) {
      const details = { process: this.#process, slot, cause: String(cause ?? failure.message) }
      this.#standing = new Failure('stands-still', details, { cause: failure })
    }
    const longestMs = isDiskFailure(failure) ? DISK_RETRY_MAX_MS : RETRY_MAX_MS
    return this.#count > 1 ? Math.min(longestMs, RETRY_FIRST_MS * 2 ** this.#count) : 0
  }

  /** It went well. */
  clear(): void {
    this.#count = 0
    this.#weight = 0
    this.#blameless = 0
    this.#standing = undefined
  }

  /** Takes what was given up for taking long: for a while the process has another place. @throws what failed otherwise */
  orSlow(error: unknown, nowMs: number): void {
    if (!isTooLong(error)) throw error
    this.#slowUntilMs = nowMs + SLOW_FOR_MS
  }

  /** Where the process is to run: what fails again and again where it can take no other along, on a host that is new to it. */
  placeIn({ seat, apart, slow }: Places, nowMs: number): HostSeat {
    if (this.#weight >= APART_WEIGHT) return apart
    return nowMs < this.#slowUntilMs ? slow : seat
  }

  /** Why the process does not go on, if it has failed often. */
  get standing(): Failure | undefined {
    return this.#standing
  }
}

/** Whether it is the disk that failed: that passes, and says nothing about a process. */
export const isDiskFailure = ({ code }: Failure): boolean => code === 'disk-full' || code === 'disk-fault'

/** A snapshot that a living host could not open, though all that it needs was there: it is damaged. @throws any other failure */
export function damaged(error: unknown): undefined {
  if (Failure.is(error, 'host-fault') && error.details['fatal'] === false && error.details['bystander'] !== true)
    return undefined
  throw error
}
