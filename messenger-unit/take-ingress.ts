import {
  type CallRequest,
  Failure,
  type Log,
  type ProcessDescription,
  type ProcessId,
  type Receipt,
  type RequestEnvelope,
} from '../protocol/index.ts'
import type { Routes } from './routes.ts'

export interface TakeIngressParts {
  readonly log: Pick<Log, 'directory'>
  readonly routes: Pick<Routes, 'schedule'>
  describe?(process: ProcessId): Promise<ProcessDescription | undefined>
}

/** Hands a request of a client of the IC to whoever schedules its process, here or elsewhere. @throws {Failure} */
export async function takeIngress(
  { log, routes, describe }: TakeIngressParts,
  process: ProcessId,
  request: RequestEnvelope<CallRequest>,
): Promise<Receipt> {
  const known =
    log.directory.processAtHand(process) ?? (await log.directory.process(process)) ?? (await describe?.(process))
  if (known === undefined) throw new Failure('unknown-process', { process })
  const [answer] = await routes.schedule([{ process, envelope: { kind: 'ingress', bytes: request.bytes }, request }])
  if (answer?.status === 'scheduled' || answer?.status === 'known') return answer.receipt
  throw answer?.status === 'failed' ? answer.failure : new Failure('internal')
}
