import { changedLinesModule } from './changed-lines-code.ts'
import { CHUNK_SIZE_BYTES } from '../limits/limits.ts'

/**
 * How a chunk differs from `base`: a map of 128 bits, line 0 in the lowest bit of the first byte, and the lines of 32 bytes that it
 * names, in order; nothing, if there are none. A counter or a pointer that changed brings no more of its chunk along.
 */
const LINE_BYTES = 32
const MAP_BYTES = CHUNK_SIZE_BYTES / LINE_BYTES / 8
const LINE_WORDS = LINE_BYTES / 4
const MAP_WORDS = MAP_BYTES / 4
/** More is never written for one chunk. */
export const CHANGED_LINES_MAX_BYTES = MAP_BYTES + CHUNK_SIZE_BYTES

const PAGE_BYTES = 65_536

/** Where it is written, and where the chunk and what it is compared with lie: addresses in three memories. Gives how many bytes it has. */
export type Differences = (out: number, chunk: number, base: number) => number

let module: WebAssembly.Module | undefined

/** Compares chunks of one memory with those of another. */
export function differencesIn(memory: Readonly<Record<'out' | 'chunk' | 'base', WebAssembly.Memory>>): Differences {
  module ??= new WebAssembly.Module(changedLinesModule())
  return new WebAssembly.Instance(module, { memory }).exports['differences'] as Differences
}

/** Writes changed lines, which begin at word `start` of `lines`, over the chunk at word `at`, which is as its base. */
export function layOver(words: Int32Array, at: number, lines: Int32Array, start = 0): void {
  let from = start + MAP_WORDS
  for (let part = 0; part < MAP_WORDS; part++) {
    for (let left = lines[start + part] ?? 0; left !== 0; left &= left - 1) {
      const to = at + (32 * part + 31 - Math.clz32(left & -left)) * LINE_WORDS
      for (let word = 0; word < LINE_WORDS; word++) words[to + word] = lines[from++] ?? 0
    }
  }
}

/** Makes the chunk at word `at` as its base, which begins at word `baseAt`, if it differs in the lines at word `start` of `lines`. */
export function takeOff(
  words: Int32Array,
  at: number,
  lines: Int32Array,
  start: number,
  base: Int32Array,
  baseAt: number,
): void {
  for (let part = 0; part < MAP_WORDS; part++) {
    for (let left = lines[start + part] ?? 0; left !== 0; left &= left - 1) {
      const first = (32 * part + 31 - Math.clz32(left & -left)) * LINE_WORDS
      for (let word = first; word < first + LINE_WORDS; word++) words[at + word] = base[baseAt + word] ?? 0
    }
  }
}

/** Where a chunk and its base are copied to, and what is written begins. */
const CHUNK_AT = 0
const BASE_AT = CHUNK_SIZE_BYTES
const OUT_AT = 2 * CHUNK_SIZE_BYTES

/** Room for the lines of many chunks, one behind the other. */
export class ChangedLines {
  readonly bytes: Uint8Array
  /** The same, as words. */
  readonly words: Int32Array
  readonly #memory: Uint8Array
  readonly #differences: Differences
  #used = 0

  constructor(sizeBytes: number) {
    const memory = new WebAssembly.Memory({ initial: Math.ceil((OUT_AT + sizeBytes) / PAGE_BYTES) })
    this.#memory = new Uint8Array(memory.buffer)
    this.bytes = new Uint8Array(memory.buffer, OUT_AT, sizeBytes)
    this.words = new Int32Array(memory.buffer, OUT_AT, sizeBytes / 4)
    this.#differences = differencesIn({ out: memory, chunk: memory, base: memory })
  }

  /** Bytes that are written. */
  get used(): number {
    return this.#used
  }

  clear(): void {
    this.#used = 0
  }

  /** Adds the lines in which a chunk differs from `base`. Needs room for `CHANGED_LINES_MAX_BYTES`. */
  add(chunk: Uint8Array, base: Uint8Array): void {
    this.#memory.set(chunk, CHUNK_AT)
    this.#memory.set(base, BASE_AT)
    this.#used += this.#differences(OUT_AT + this.#used, CHUNK_AT, BASE_AT)
  }
}
