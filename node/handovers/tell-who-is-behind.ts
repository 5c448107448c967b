import {
  Failure,
  type Peers,
  type ProcessDescription,
  type ProcessId,
  type ScheduleAnswer,
} from '../../protocol/index.ts'
import type { Handovers } from './handovers.ts'
import { withOverrides } from '../with-overrides.ts'

/**
 * `peers`, whose schedulers are told of a handover to them that they have not heard of: that they do not schedule the process is
 * not their last word.
 */
export function tellWhoIsBehind<P extends Pick<Peers, 'schedule'>>(
  peers: P,
  {
    handovers,
    describe,
  }: {
    readonly handovers: Pick<Handovers, 'met'>
    describe(process: ProcessId): Promise<ProcessDescription | undefined>
  },
): P {
  const schedule: Peers['schedule'] = async (scheduler, requests, options) => {
    const answers = await peers.schedule(scheduler, requests, options)
    return Promise.all(
      answers.map(async (answer, at): Promise<ScheduleAnswer> => {
        const request = requests[at]
        if (answer.status !== 'failed' || answer.failure.code !== 'not-scheduler' || request === undefined)
          return answer
        const process = await describe(request.process)
        if (process === undefined || process.epoch === 0 || !process.policy.schedulers.includes(scheduler))
          return answer
        handovers.met(process.id, process.epoch, 0, scheduler)
        return {
          status: 'failed',
          failure: new Failure('moved', { process: process.id }, { note: 'its new scheduler has not heard of it yet' }),
        }
      }),
    )
  }
  return withOverrides(peers, { schedule } as Partial<P>)
}
