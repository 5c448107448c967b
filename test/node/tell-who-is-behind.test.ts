import { expect, it } from 'vitest'
import { tellWhoIsBehind } from '../../node/handovers/tell-who-is-behind.ts'
import {
  asKeyId,
  asProcessId,
  Failure,
  type KeyId,
  type ProcessDescription,
  type ScheduleRequest,
  toBase64Url,
} from '../../protocol/index.ts'
import { seedOf } from '../fakes/signed-items.ts'

const [HERE, OTHER] = [asKeyId(toBase64Url(seedOf(1))), asKeyId(toBase64Url(seedOf(2)))]
const PROCESS = asProcessId(toBase64Url(seedOf(3)))

it.for([
  [1, HERE, 'moved'],
  [0, HERE, 'not-scheduler'],
  [1, OTHER, 'not-scheduler'],
] as const)(
  'a scheduler that knows nothing of a handover to it is told, and nobody else (epoch %s)',
  async ([epoch, scheduler, code]) => {
    const told: KeyId[] = []
    const described = {
      id: PROCESS,
      epoch,
      policy: { schedulers: [scheduler] },
    } as unknown as ProcessDescription
    const peers = {
      schedule: async (_scheduler: KeyId, _requests: readonly ScheduleRequest[]) => [
        { status: 'failed', failure: new Failure('not-scheduler') } as const,
      ],
    }
    const handovers = {
      met: (_process: unknown, _here: number, _there: number, peer: KeyId) => void told.push(peer),
    }
    const telling = tellWhoIsBehind(peers, {
      handovers,
      describe: async () => described,
    })
    const request: ScheduleRequest = {
      process: PROCESS,
      envelope: { kind: 'item', item: new Uint8Array(0) },
    }
    const [answer] = await telling.schedule(HERE, [request])
    expect(answer).toMatchObject({ failure: { code } })
    expect(told).toEqual(code === 'moved' ? [HERE] : [])
  },
)
