import { Actor, type ActorSubclass, CanisterStatus, HttpAgent, type Identity } from '@icp-sdk/core/agent'
import type { IDL } from '@icp-sdk/core/candid'
import { DelegationChain, DelegationIdentity, ECDSAKeyIdentity, Ed25519KeyIdentity } from '@icp-sdk/core/identity'
import { Secp256k1KeyIdentity } from '@icp-sdk/core/identity/secp256k1'
import { Principal } from '@icp-sdk/core/principal'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fromHex, principalText, selfAuthenticating } from '../../../protocol/index.ts'
import { IcNode } from './ic-node.ts'

const service: IDL.InterfaceFactory = ({ IDL: idl }) =>
  idl.Service({
    inc: idl.Func([], [idl.Nat], []),
    later: idl.Func([], [idl.Nat], []),
    release: idl.Func([], [idl.Nat], []),
    fail: idl.Func([], [], []),
    refused: idl.Func([], [], []),
    get: idl.Func([], [idl.Nat], ['query']),
    missing: idl.Func([], [], ['query']),
  })

const management: IDL.InterfaceFactory = ({ IDL: idl }) =>
  idl.Service({
    provisional_create_canister_with_cycles: idl.Func(
      [idl.Record({ amount: idl.Opt(idl.Nat) })],
      [idl.Record({ canister_id: idl.Principal })],
      [],
    ),
  })

type Calls = Record<string, (...args: unknown[]) => Promise<unknown>>

let node: IcNode
let canisterId: Principal

const agentOf = (identity?: Identity, more: object = {}, host = node.url): Promise<HttpAgent> =>
  HttpAgent.create({ host, shouldFetchRootKey: true, retryTimes: 1, ...(identity && { identity }), ...more })

const actorOf = async (identity?: Identity, more: object = {}): Promise<ActorSubclass<Calls>> =>
  Actor.createActor<Calls>(service, { agent: await agentOf(identity, more), canisterId })

const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const alice = Ed25519KeyIdentity.generate(seed(1))

const NOWHERE = Principal.fromUint8Array(fromHex('00000000000000020101'))

async function create(identity: Identity, host = node.url, effective = NOWHERE): Promise<Principal> {
  const agent = await agentOf(identity, {}, host)
  const actor = Actor.createActor<Calls>(management, {
    agent,
    canisterId: Principal.managementCanister(),
    callTransform: (_method, _args, config) => ({ ...config, effectiveCanisterId: effective }),
  })
  const made = (await actor['provisional_create_canister_with_cycles']?.({ amount: [] })) as { canister_id: Principal }
  return made.canister_id
}

beforeAll(async () => {
  node = await IcNode.open()
  canisterId = await create(alice)
})
afterAll(() => node[Symbol.asyncDispose]())

it('names a canister id under which others may be created, as local networks of the IC do', async () => {
  const response = await fetch(`${node.url}/_/topology`)
  const { default_effective_canister_id: name } = (await response.json()) as Record<string, Record<string, string>>
  const id = Principal.fromUint8Array(Uint8Array.from(Buffer.from(name?.['canister_id'] ?? '', 'base64')))
  const subnet = await (await agentOf()).getSubnetIdFromCanister(id)
  expect(subnet.toUint8Array()).toEqual(node.keys.subnetId)
})

describe("the IC's own client", () => {
  it('makes a canister, whose id is the principal of its process', () => {
    expect([...node.units.canisters.keys()]).toHaveLength(1)
    expect(canisterId.toUint8Array()).toHaveLength(29)
  })

  it('updates and queries, with certificates and signatures checked, for every kind of identity', async () => {
    const session = Ed25519KeyIdentity.generate(seed(3))
    const chain = await DelegationChain.create(alice, session.getPublicKey(), new Date(Date.now() + 3_600_000))
    const identities: (Identity | undefined)[] = [
      undefined,
      alice,
      Secp256k1KeyIdentity.generate(seed(2)),
      await ECDSAKeyIdentity.generate(),
      DelegationIdentity.fromDelegation(session, chain),
    ]
    for (const identity of identities) {
      const actor = await actorOf(identity)
      const before = (await actor['get']?.()) as bigint
      expect(await actor['inc']?.()).toBe(before + 1n)
      expect(await actor['get']?.()).toBe(before + 1n)
    }
  })

  it('is told of traps by a certificate, of refusals without one, and of queries that fail', async () => {
    const actor = await actorOf(alice)
    await expect(actor['fail']?.()).rejects.toMatchObject({
      cause: { code: { rejectCode: 5, rejectErrorCode: 'IC0503' } },
    })
    await expect(actor['missing']?.()).rejects.toMatchObject({ cause: { code: { rejectErrorCode: 'IC0536' } } })
    const nobody = Actor.createActor<Calls>(service, {
      agent: await agentOf(alice),
      canisterId: Principal.fromUint8Array(new Uint8Array(29).fill(1)),
    })
    await expect(nobody['inc']?.()).rejects.toMatchObject({
      cause: { code: { rejectCode: 3, rejectErrorCode: 'IC0301' } },
    })
    await expect(nobody['get']?.()).rejects.toMatchObject({
      cause: { code: { rejectCode: 3, rejectErrorCode: 'IC0301' } },
    })
  })

  it('waits for an answer that comes in a later slot', async () => {
    const [one, two] = [await actorOf(alice), await actorOf(alice)]
    const late = one['later']?.()
    const count = (await two['get']?.()) as bigint
    for (const canister of node.units.canisters.values()) {
      while (canister.waiting.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    }
    expect(await two['release']?.()).toBe(count)
    expect(await late).toBe(count)
  })

  it('believes a node to which a root key delegated, whichever node it is', async () => {
    const rootSeed = seed(9)
    await using delegated = await IcNode.open({ rootSeed })
    expect(delegated.keys.subnetId).not.toEqual(selfAuthenticating(delegated.keys.rootKey))
    const made = await create(alice, delegated.url)
    const agent = await HttpAgent.create({
      host: delegated.url,
      rootKey: delegated.keys.rootKey,
      identity: alice,
      retryTimes: 0,
    })
    const actor = Actor.createActor<Calls>(service, { agent, canisterId: made })
    expect(await actor['inc']?.()).toBe(1n)
    expect(await actor['get']?.()).toBe(1n)
    const subnet = await agent.getSubnetIdFromCanister(made)
    expect(subnet.toUint8Array()).toEqual(delegated.keys.subnetId)
    // Signed by the root key of another node, it opens nothing.
    const wrong = await HttpAgent.create({
      host: delegated.url,
      rootKey: node.keys.rootKey,
      identity: alice,
      retryTimes: 0,
    })
    await expect(Actor.createActor<Calls>(service, { agent: wrong, canisterId: made })['inc']?.()).rejects.toThrow()
  })

  it('believes no other root key', async () => {
    const agent = await HttpAgent.create({
      host: node.url,
      rootKey: node.keys.rootKey.map((byte, at) => (at > 100 ? byte ^ 1 : byte)),
      retryTimes: 0,
    })
    const actor = Actor.createActor<Calls>(service, { agent, canisterId })
    await expect(actor['inc']?.()).rejects.toThrow()
  })

  it('reads the state: time, controllers, module hash, Candid and subnet', async () => {
    const agent = await agentOf(alice)
    const status = await CanisterStatus.request({
      agent,
      canisterId,
      paths: ['time', 'controllers', 'module_hash', 'candid', 'subnet'],
    })
    expect(Math.abs(Number(status.get('time') as Date) - Date.now())).toBeLessThan(60_000)
    expect((status.get('controllers') as Principal[]).map(String)).toEqual([alice.getPrincipal().toText()])
    expect(status.get('module_hash')).toBe('07'.repeat(32))
    expect(status.get('candid')).toBe('service : {}')
    expect(status.get('subnet')).toMatchObject({ subnetId: principalText(node.keys.subnetId) })
  })

  it('looks at the clock at a canister that does not exist', async () => {
    const agent = await agentOf(undefined, { shouldSyncTime: true })
    await agent.syncTime({ canisterId: Principal.fromText('ryjl3-tyaaa-aaaaa-aaaba-cai') })
    expect(Math.abs(agent.getTimeDiffMsecs())).toBeLessThan(60_000)
  })
})

describe.each([10, -10])('a client whose clock is %d minutes off', minutes => {
  it('recovers by itself when it updates, and queries', async () => {
    await using skewed = await IcNode.open({ now: () => Date.now() - minutes * 60_000 })
    const outer = node
    node = skewed
    try {
      canisterId = await create(alice)
      const actor = await actorOf(alice)
      expect(await actor['inc']?.()).toBe(1n)
      expect(await actor['get']?.()).toBe(1n)
    } finally {
      node = outer
    }
  })

  it('recovers when it makes a canister and names none', async () => {
    await using skewed = await IcNode.open({ now: () => Date.now() - minutes * 60_000 })
    expect(String(await create(alice, skewed.url, Principal.managementCanister()))).not.toBe('')
  })
})

it('gives answers that others evaluate, whichever slot they come in', async () => {
  await using carrier = await IcNode.open({ speaks: false })
  const id = await create(alice, carrier.url)
  const actors = await Promise.all(
    ['inc', 'later', 'release'].map(async () =>
      Actor.createActor<Calls>(service, { agent: await agentOf(alice, {}, carrier.url), canisterId: id }),
    ),
  )
  const [one, two, three] = actors
  expect(await one?.['inc']?.()).toBe(1n)
  const late = two?.['later']?.()
  const [canister] = carrier.units.canisters.values()
  await expect.poll(() => canister?.waiting.length).toBe(1)
  expect(await three?.['release']?.()).toBe(1n)
  expect(await late).toBe(1n)
  expect(await one?.['get']?.()).toBe(1n)
})
