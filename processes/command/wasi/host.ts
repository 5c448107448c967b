import type { FileTree } from '../files/file-tree.ts'
import { CallError, ERRNO } from './errno.ts'
import type { OpenFiles } from './open-files.ts'
import type { ProgramMemory } from './program-memory.ts'

/** What the calls of one run work on. */
export interface WasiHost {
  readonly memory: ProgramMemory
  readonly tree: FileTree
  readonly files: OpenFiles
  /** Each ends with a zero byte. */
  readonly args: readonly Uint8Array[]
  readonly env: readonly Uint8Array[]
  readonly clock: SlotClock
  random(length: number): Uint8Array
  /** @throws {ProgramStop} if the gas does not reach */
  charge(gas: number): void
}

/** Time inside a run: it begins at the slot's timestamp, and only sleeping moves it. */
export class SlotClock {
  /** Nanoseconds since 1970. */
  now: bigint
  readonly started: bigint

  constructor(timestampMs: number) {
    this.started = BigInt(timestampMs) * 1_000_000n
    this.now = this.started
  }

  sleepUntil(time: bigint): void {
    if (time > this.now) this.now = time < LAST_TIME ? time : LAST_TIME
  }
}

/** Clocks have 64 bits. */
const LAST_TIME = (1n << 63n) - 1n

/** Arguments as WebAssembly hands them over: i64 as bigint. */
export type CallArgument = number | bigint

/** One import: its type (parameters, `>`, results; `i` is i32, `I` is i64), and what it does. */
export interface WasiCall {
  readonly type: string
  readonly run: (host: WasiHost, ...args: never[]) => number | undefined
}

/** Runs a call; what it refuses becomes its result. */
export function answer(call: WasiCall, host: WasiHost, args: readonly CallArgument[]): number {
  try {
    return call.run(host, ...(args as never[])) ?? ERRNO.success
  } catch (error) {
    if (error instanceof CallError) return error.errno
    throw error
  }
}

/** Text with the zero byte that closes it. */
export const closedText = (text: string): Uint8Array => new TextEncoder().encode(`${text}\0`)

export const environmentOf = (env: Readonly<Record<string, string>>): Uint8Array[] =>
  Object.entries(env).map(([name, value]) => closedText(`${name}=${value}`))
