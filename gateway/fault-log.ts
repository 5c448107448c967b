import type { Clock, Failure, FailureCode } from '../protocol/index.ts'
import type { GatewayLogger } from './parts.ts'

/** Between two lines about faults of one code. */
const PAUSE_MS = 1_000

interface Told {
  atMs: number
  /** Requests that met it since, of which nothing was said. */
  more: number
}

/** What was asked and met the fault. */
export interface FaultyRequest {
  readonly request: string
  readonly method: string | undefined
}

/** Tells the log which requests met a bug or a fault of this machine. */
export type FaultLog = (failure: Failure, request: FaultyRequest) => void

/** Of each code one line a second: a disk that is full must not be filled with the news that it is. */
export function createFaultLog(logger: GatewayLogger, clock: Pick<Clock, 'elapsed'>): FaultLog {
  const told = new Map<FailureCode, Told>()
  return (failure, request) => {
    if (failure.blame !== 'host') return
    const nowMs = clock.elapsed()
    const last = told.get(failure.code)
    if (last !== undefined && nowMs - last.atMs < PAUSE_MS) {
      last.more++
      return
    }
    told.set(failure.code, { atMs: nowMs, more: 0 })
    const facts = {
      ...request,
      code: failure.code,
      err: failure,
      ...(last?.more ? { unsaid: last.more } : {}),
    }
    if (failure.code === 'internal') logger.error(facts, 'a request met a bug')
    else logger.warn(facts, 'a request met a fault of this machine')
  }
}
