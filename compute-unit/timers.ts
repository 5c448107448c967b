import { CborReader, CborWriter, type ProcessId, type Timer } from '../protocol/index.ts'
import { storeKey } from './kept/keys.ts'
import { readTimers, writeTimers } from './hosts/timer-packets.ts'

/** Where the timers of a process are kept, so that a scheduler can be told of them after a restart. */
export const timersKey = (process: ProcessId): Uint8Array => storeKey('timers', process)

export function encodeTimers(timers: readonly Timer[]): Uint8Array {
  const writer = new CborWriter()
  writeTimers(writer, timers)
  return writer.finish()
}

export const decodeTimers = (bytes: Uint8Array): Timer[] => readTimers(new CborReader(bytes))
