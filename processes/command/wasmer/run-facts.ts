import { fromUtf8, toUtf8 } from '../../../protocol/index.ts'
import { SEED_BYTES } from '../random-stream.ts'

/** How a run ended, as the worker that ran it saw it. */
export const ENDED = { not: 0, returned: 1, exited: 2, trapped: 3, tooDeep: 4, outOfMemory: 5, badAddress: 6 } as const

const WORDS = 6
const SEED_AT = WORDS * 8
const TEXT_AT = SEED_AT + SEED_BYTES + 4
/** Arguments and environment come from tags, which have 4 KiB together; JSON of JSON doubles that at most. */
const SIZE_BYTES = 32 * 1024

/** What a worker must know of the run, and what it tells of it: in memory that both sides share. */
export class RunFacts {
  readonly buffer: SharedArrayBuffer
  readonly #words: BigInt64Array

  constructor(buffer = new SharedArrayBuffer(SIZE_BYTES)) {
    this.buffer = buffer
    this.#words = new BigInt64Array(buffer, 0, WORDS)
  }

  /** Gas that the run has, and what was left of it. */
  get gas(): bigint {
    return this.#words[0] ?? 0n
  }

  set gas(value: bigint) {
    this.#words[0] = value
  }

  get timestampMs(): number {
    return Number(this.#words[1] ?? 0n)
  }

  get ended(): number {
    return Number(this.#words[2] ?? 0n)
  }

  set ended(value: number) {
    this.#words[2] = BigInt(value)
  }

  get exit(): number {
    return Number(this.#words[3] ?? 0n)
  }

  set exit(value: number) {
    this.#words[3] = BigInt(value)
  }

  begin(facts: { gas: bigint; timestampMs: number; seed: Uint8Array; texts: RunTexts }): void {
    this.gas = facts.gas
    this.#words[1] = BigInt(facts.timestampMs)
    this.ended = ENDED.not
    this.exit = 0
    new Uint8Array(this.buffer, SEED_AT, SEED_BYTES).set(facts.seed)
    const text = toUtf8(JSON.stringify(facts.texts))
    new DataView(this.buffer).setUint32(TEXT_AT - 4, text.length)
    new Uint8Array(this.buffer, TEXT_AT).set(text)
  }

  get seed(): Uint8Array {
    return new Uint8Array(this.buffer, SEED_AT, SEED_BYTES).slice()
  }

  get texts(): RunTexts {
    const length = new DataView(this.buffer).getUint32(TEXT_AT - 4)
    return JSON.parse(fromUtf8(new Uint8Array(this.buffer, TEXT_AT, length).slice())) as RunTexts
  }
}

/** What the program is started with. */
export interface RunTexts {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}
