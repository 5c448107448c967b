import { CborReader, CborWriter, type Cells, toUtf8 } from '../../protocol/index.ts'
import { LOG_KEPT_MAX_BYTES, LOG_MAX_BYTES } from './bounds.ts'
import type { Executed, Machine } from './machine.ts'
import type { Slot } from './slot.ts'

const LOG = 'l'
/** Lines that are kept at most: some, and one for each so many bytes. */
const LINES_MIN = 128
const LINE_BYTES = 32

/** A line of a canister's log. */
export interface LogLine {
  readonly number: number
  readonly timeNs: bigint
  readonly content: Uint8Array
}

/** What an execution printed, and why it trapped. */
export function tellLines({ execution, trap }: Executed, slot: Slot): void {
  for (const line of execution.log) slot.say(line)
  if (trap !== undefined) slot.say(`[TRAP]: ${trap.message}`)
}

/** Adds what the slot said to the log that the canister keeps. The oldest lines go. */
export function keepLines(machine: Machine, { cells, lines: said, nowNs }: Slot): void {
  if (said.length === 0) return
  const { nextLogLine } = machine.state
  machine.change({ nextLogLine: nextLogLine + said.length })
  const lines = decodeLines(cells.get(LOG))
  for (const [at, line] of said.entries()) {
    const content = toUtf8(line.toWellFormed()).slice(0, LOG_MAX_BYTES)
    lines.push({ number: nextLogLine + at, timeNs: nowNs, content })
  }
  let bytes = lines.reduce((sum, one) => sum + one.content.length, 0)
  const max = Math.min(Number(machine.state.settings.logMemoryLimit), LOG_KEPT_MAX_BYTES)
  // Lines may be empty: their number is bounded too.
  while (bytes > max || lines.length > LINES_MIN + max / LINE_BYTES) bytes -= lines.shift()?.content.length ?? bytes
  cells.set(LOG, encodeLines(lines))
}

/** Keeps what the slot said once all else of it is undone; nothing if it said nothing. */
export function keptAnyway(machine: Machine, slot: Slot): (() => void) | undefined {
  if (slot.lines.length === 0) return undefined
  return () => {
    keepLines(machine, slot)
    machine.keep()
  }
}

/** Whoever has other code begins another log. */
export function clearLines(cells: Cells): void {
  cells.delete(LOG)
}

export function readLines({ cells }: Pick<Slot, 'cells'>): LogLine[] {
  return decodeLines(cells.get(LOG))
}

function encodeLines(lines: readonly LogLine[]): Uint8Array {
  const writer = new CborWriter()
  writer.array(lines.length * 3)
  for (const { number, timeNs, content } of lines) {
    writer.uint(number)
    writer.uint(timeNs)
    writer.bytes(content)
  }
  return writer.finish()
}

function decodeLines(bytes: Uint8Array | undefined): LogLine[] {
  if (bytes === undefined) return []
  const reader = new CborReader(bytes)
  const count = reader.array() / 3
  return Array.from({ length: count }, () => ({
    number: Number(reader.uint()),
    timeNs: BigInt(reader.uint()),
    content: reader.bytes(),
  }))
}
