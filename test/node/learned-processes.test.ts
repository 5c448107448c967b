import { expect, it } from 'vitest'
import { LearnedProcesses } from '../../node/learned-processes.ts'
import { Failure } from '../../protocol/index.ts'
import { MemoryLog } from '../fakes/memory-log.ts'

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
    clock: { now: () => 0 },
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
