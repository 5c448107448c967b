import {
  type CallRequest,
  Failure,
  type Log,
  type Peers,
  type ProcessDescription,
  type ProcessId,
  type Receipt,
  type RequestEnvelope,
  type Scheduler,
} from '../protocol/index.ts'

export interface TakeIngressParts {
  readonly log: Pick<Log, 'directory'>
  readonly scheduler: Pick<Scheduler, 'key' | 'schedule'>
  readonly peers?: Pick<Peers, 'schedule'> | undefined
  describe?(process: ProcessId): Promise<ProcessDescription | undefined>
}

/** Hands a request of a client of the IC to whoever schedules its process, here or elsewhere. @throws {Failure} */
export async function takeIngress(
  { log, scheduler, peers, describe }: TakeIngressParts,
  process: ProcessId,
  request: RequestEnvelope<CallRequest>,
): Promise<Receipt> {
  const known = log.directory.processAtHand(process) ?? (await log.directory.process(process)) ?? (await describe?.(process))
  const home = known?.policy.schedulers[0]
  if (home === undefined) throw new Failure('unknown-process', { process })
  const requests = [{ process, envelope: { kind: 'ingress' as const, bytes: request.bytes }, request }]
  const isHere = peers === undefined || home === scheduler.key
  const [answer] = await (isHere ? scheduler.schedule(requests) : peers.schedule(home, requests))
  if (answer?.status === 'scheduled' || answer?.status === 'known') return answer.receipt
  throw answer?.status === 'failed' ? answer.failure : new Failure('internal')
}
