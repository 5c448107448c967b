import { expect, it } from 'vitest'
import { LearnedProcesses } from '../../node/learning/learned-processes.ts'
import { asProcessId, Failure } from '../../protocol/index.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { ManualClock } from '../fakes/manual-clock.ts'
import { MemoryLog } from '../fakes/memory-log.ts'

it('asks again after a while for what nobody had, also when the date was set back meanwhile', async () => {
  const clock = new ManualClock()
  let asked = 0
  const spawnEnvelope = async (): Promise<undefined> => void (asked += 1)
  const learned = new LearnedProcesses({
    directory: MemoryLog.open().directory,
    peers: { spawnEnvelope, spawnEnvelopeOf: spawnEnvelope, canister: spawnEnvelope },
    clock,
  })
  const id = asProcessId(fakeId(1))
  await learned.process(id)
  await learned.process(id)
  expect(asked).toBe(1)
  clock.setDate(-3_600_000)
  clock.advance(5_000)
  await learned.process(id)
  expect(asked).toBe(2)
})

it('asks peers for principals alone that may name a process', async () => {
  const asked: Uint8Array[] = []
  const nobody = async (): Promise<undefined> => undefined
  const learned = new LearnedProcesses({
    directory: MemoryLog.open().directory,
    peers: {
      spawnEnvelope: nobody,
      spawnEnvelopeOf: nobody,
      canister: async principal => {
        asked.push(principal)
        throw new Failure('unreachable')
      },
    },
    clock: new ManualClock(),
  })
  const process = Uint8Array.from([...new Uint8Array(28).fill(7), 1])
  // The management canister, the anonymous user, a ledger of another network, a user's key.
  const others = [
    new Uint8Array(0),
    Uint8Array.of(4),
    Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 2, 1, 1),
    Uint8Array.from([...new Uint8Array(28).fill(7), 2]),
  ]
  for (const principal of [...others, process]) expect(await learned.canister(principal)).toBeUndefined()
  expect(asked).toEqual([process])
})
