import type { AoFormat } from './formats.ts'
import type { GuestMemory } from './guest-memory.ts'
import type { ScratchFiles } from './scratch-files.ts'

/** What a slot brings that host imports may show to the guest. */
export interface SlotInputs {
  readonly timestampMs: number
  /** Deterministic bytes. */
  random(length: number): Uint8Array
  /** A line the guest wrote to its standard output or error. */
  log(line: string): void
}

/** What host imports work on: one instance of a module, and the slot it runs. */
export interface AoHost {
  readonly format: AoFormat
  readonly memory: GuestMemory
  readonly slot: SlotInputs
  readonly files: ScratchFiles
  /** High half of a 64-bit value, in formats that keep it on the host's side. */
  tempRet: number
  /** Takes gas for work the host does. @throws {GuestFault} `out-of-gas` */
  charge(gas: number): void
  /** Grows memory by the rules; tells whether they allow it. */
  grow(pages: number): boolean
  /** Hands the high half of a 64-bit result to the guest. */
  setTempRet(value: number): void
  /** Memory from the guest's own allocator. */
  allocate(bytes: number): number
  /** Takes part of a line; whole lines go to the log. */
  print(text: Uint8Array): void
}

/** A host import: words (addresses and sizes) come and go as numbers on all address widths. */
export type HostFunction = (host: AoHost, ...args: number[]) => number | undefined

/** One row of an import table. */
export interface ImportRow {
  readonly run: HostFunction
  /** What the guest gets back: a 32-bit or floating number, or an address or size. */
  readonly gives: 'number' | 'word'
}

/** Rows of host imports by name. */
export type ImportTable = Readonly<Record<string, ImportRow>>

export const number = (run: HostFunction): ImportRow => ({ run, gives: 'number' })
export const word = (run: HostFunction): ImportRow => ({ run, gives: 'word' })

/** Gas for work on `bytes` bytes, as the rewriter charges it for bulk instructions. */
export const bulkGas = (bytes: number): number => 16 + (bytes >>> 3)
