import type { Envelope, ProcessDescription, ProcessId, ScheduleAnswer } from '../../protocol/index.ts'
import type { MemoryLog } from '../fakes/memory-log.ts'
import type { Harness } from './scheduler-harness.ts'

/** A log whose directory also knows processes that have no spawn message. */
export function knowing(log: MemoryLog, processes: readonly ProcessDescription[]): MemoryLog {
  const { directory } = log
  const process = directory.process.bind(directory)
  const atHand = directory.processAtHand.bind(directory)
  directory.process = async id => processes.find(one => one.id === id) ?? process(id)
  directory.processAtHand = id => processes.find(one => one.id === id) ?? atHand(id)
  return log
}

export const post = (
  harness: Harness,
  to: ProcessId,
  envelopes: readonly Envelope[],
): Promise<readonly ScheduleAnswer[]> => harness.unit.schedule(envelopes.map(envelope => ({ process: to, envelope })))
