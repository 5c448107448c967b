import { Actor, HttpAgent } from '@icp-sdk/core/agent'
import type { IDL } from '@icp-sdk/core/candid'
import { Ed25519KeyIdentity } from '@icp-sdk/core/identity'
import { expect, it } from 'vitest'
import { principalOf, principalText } from '../../protocol/index.ts'
import { ed25519Signer } from '../../sdk/index.ts'
import { motoko } from '../processes/canister/motoko.ts'
import { NodesHere } from './nodes-here.ts'
import { COUNTER } from './programs/canisters.ts'

const SOON = { timeout: 60_000 }

interface Counter {
  inc(): Promise<bigint>
  get(): Promise<bigint>
  boom(): Promise<void>
}

/** The stock client, with all its checks, at one node. */
async function counterAt(host: string, canisterId: string): Promise<Counter> {
  const identity = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(31))
  const agent = await HttpAgent.create({ host, identity, shouldFetchRootKey: true })
  const service: IDL.InterfaceFactory = ({ IDL: idl }) =>
    idl.Service({
      inc: idl.Func([], [idl.Nat], []),
      get: idl.Func([], [idl.Nat], ['query']),
      boom: idl.Func([], [], []),
    })
  return Actor.createActor<Counter>(service, { agent, canisterId })
}

it('a canister goes on at another node for the clients that it had, and for new ones', async () => {
  const nodes = new NodesHere(ed25519Signer(new Uint8Array(32).fill(21)))
  const [a, b] = [await nodes.open('a'), await nodes.open('b')]
  await expect.poll(() => b.node.network?.peers.length, SOON).toBe(1)
  const module = await a.client.modules.add(motoko(COUNTER), { format: 'canister' })
  const { id: process } = await a.client.spawn({ module })
  const canister = principalText(principalOf(process))
  const before = await counterAt(a.node.url, canister)
  expect([await before.inc(), await before.inc(), await before.get()]).toEqual([1n, 2n, 2n])

  expect(await a.client.processes.handover(process, { schedulers: [b.node.key] })).toMatchObject({
    epoch: 1,
    held: true,
  })
  const after = await counterAt(b.node.url, canister)
  expect([await after.inc(), await after.get()]).toEqual([3n, 3n])
  // The node that led it leads there: what it certifies was computed by the other.
  expect([await before.inc(), await before.get(), await after.get()]).toEqual([4n, 4n, 4n])
  for (const counter of [before, after])
    await expect(counter.boom()).rejects.toMatchObject({
      cause: { code: { rejectErrorCode: 'IC0503', isCertified: true } },
    })
  expect([await after.inc(), await before.get()]).toEqual([5n, 5n])

  // And when that node is gone.
  await nodes.close('a')
  expect([await after.inc(), await (await counterAt(b.node.url, canister)).get()]).toEqual([6n, 6n])
})
