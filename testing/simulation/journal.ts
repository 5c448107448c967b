import { concatBytes, type ProcessId, sha256, toBase64Url, toHex, toUtf8 } from '../../protocol/index.ts'

/** Events shown of what happened last. */
const KEPT_MAX = 4_000
/** Events held: more than are shown, and a whole number of those that are hashed at once. */
const HELD_MAX = 4_096
const HASHED_AT_ONCE = 1_024
/** Of a hash, as many bytes as a number holds exactly. */
const SHORT_HASH_BYTES = 6
/** Numbers of an event: when, what, node, process, index of its frame, messages or gas, two short hashes. */
const WIDTH = 8
const [TEXT, COMMITTED, EVALUATED] = [0, 1, 2]

/** What came of a frame. */
export interface JournalledFrame {
  readonly stateRoot: Uint8Array
  readonly resultsRoot: Uint8Array
  readonly gas: bigint
}

export interface JournalParts {
  /** Microseconds when the network began. */
  readonly startUs: number
  /** What a process is called. */
  nameOf(process: string): string
}

/**
 * What happened in a network, in order; and a fingerprint of all of it, by which two runs can be told to be the same.
 * Nearly all of it are frames, and few of them are ever looked at: they are held as numbers, and spelled for who reads them.
 */
export class Journal {
  readonly #parts: JournalParts
  /** The last events: event n begins at WIDTH * (n % HELD_MAX). */
  readonly #events = new Float64Array(HELD_MAX * WIDTH)
  readonly #texts = new Map<number, string>()
  /** Nodes and processes have numbers, in the order in which they came. */
  readonly #numbers = new Map<string, number>()
  readonly #names: string[] = []
  /** Of all events that were hashed, with their texts and names. */
  #hash = new Uint8Array(32)
  /** Texts and names of events that were not. */
  #words: string[] = []
  length = 0

  constructor(parts: JournalParts) {
    this.#parts = parts
  }

  write(atUs: number, text: string): void {
    this.#texts.set(this.length, text)
    this.#words.push(text)
    this.#begin(atUs, TEXT)
    this.#end()
  }

  committed(atUs: number, node: string, process: ProcessId, index: number, count: number): void {
    this.#ofFrame(this.#begin(atUs, COMMITTED), node, process, index, count)
    this.#end()
  }

  evaluated(atUs: number, node: string, process: ProcessId, index: number, frame: JournalledFrame): void {
    const at = this.#begin(atUs, EVALUATED)
    this.#ofFrame(at, node, process, index, Number(frame.gas))
    this.#events[at + 6] = shortHash(frame.stateRoot)
    this.#events[at + 7] = shortHash(frame.resultsRoot)
    this.#end()
  }

  /** The last lines. */
  last(count: number): readonly string[] {
    const shown = Math.min(count, KEPT_MAX, this.length)
    return Array.from({ length: shown }, (_, at) => this.#line(this.length - shown + at))
  }

  /** The same for the same events in the same order. */
  get fingerprint(): string {
    return toHex(this.#hashed(this.length % HASHED_AT_ONCE))
  }

  /** Gives where the event begins; the one that was there before is gone. */
  #begin(atUs: number, what: number): number {
    this.#texts.delete(this.length - HELD_MAX)
    const at = WIDTH * (this.length % HELD_MAX)
    this.#events.fill(0, at, at + WIDTH)
    this.#events[at] = atUs
    this.#events[at + 1] = what
    return at
  }

  #ofFrame(at: number, node: string, process: ProcessId, index: number, amount: number): void {
    this.#events[at + 2] = this.#numberOf(node)
    this.#events[at + 3] = this.#numberOf(process)
    this.#events[at + 4] = index
    this.#events[at + 5] = amount
  }

  #end(): void {
    this.length += 1
    if (this.length % HASHED_AT_ONCE !== 0) return
    this.#hash = new Uint8Array(this.#hashed(HASHED_AT_ONCE))
    this.#words = []
  }

  /** The hash of all but the last `count` events, and of those. */
  #hashed(count: number): Uint8Array {
    const from = WIDTH * ((this.length - count) % HELD_MAX)
    const { buffer } = this.#events.subarray(from, from + WIDTH * count)
    const events = new Uint8Array(buffer, 8 * from, 8 * WIDTH * count)
    return sha256(concatBytes(this.#hash, events, toUtf8(JSON.stringify(this.#words))))
  }

  #numberOf(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    this.#words.push(name)
    this.#numbers.set(name, this.#names.length)
    return this.#names.push(name) - 1
  }

  #line(event: number): string {
    const from = WIDTH * (event % HELD_MAX)
    const [atUs = 0, what, node = 0, process = 0, index = 0, amount = 0, state = 0, results = 0] =
      this.#events.subarray(from, from + WIDTH)
    const us = atUs - this.#parts.startUs
    const time = `${Math.floor(us / 1000)}.${String(us % 1000).padStart(3, '0')}`
    if (what === TEXT) return `${time} ${this.#texts.get(event) ?? ''}`
    const frame = `${time} ${this.#names[node]}: ${this.#parts.nameOf(this.#names[process] ?? '')} frame ${index}`
    return what === COMMITTED
      ? `${frame}, ${amount} messages`
      : `${frame} evaluated, ${amount} gas, ${spelled(state)} ${spelled(results)}`
  }
}

function shortHash(hash: Uint8Array): number {
  let number = 0
  for (let at = 0; at < SHORT_HASH_BYTES; at++) number = 256 * number + (hash[at] ?? 0)
  return number
}

function spelled(short: number): string {
  const bytes = new Uint8Array(SHORT_HASH_BYTES)
  for (let at = SHORT_HASH_BYTES - 1, rest = short; at >= 0; at--, rest = Math.floor(rest / 256)) bytes[at] = rest % 256
  return toBase64Url(bytes)
}
