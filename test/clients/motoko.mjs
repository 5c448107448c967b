/**
 * What Motoko canisters do besides updates and queries, seen by the newest agent as it is, with all its checks.
 *
 *     node motoko.mjs <url> <counter.wasm> <caller.wasm> <timers.wasm> <heartbeat.wasm> <inspect.wasm> <upgraded.wasm>
 *       <trapping.wasm> <patient.wasm> <classic counter.wasm> <classic upgraded.wasm> <classic trapping.wasm>
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { IcManagementCanister } from '@icp-sdk/canisters/ic-management'
import { Actor, HttpAgent, polling } from '@icp-sdk/core/agent'
import { IDL } from '@icp-sdk/core/candid'
import { Ed25519KeyIdentity } from '@icp-sdk/core/identity'
import { Principal } from '@icp-sdk/core/principal'
import { managementOf } from './management.mjs'
import { run } from './scenario.mjs'

const [host, ...paths] = process.argv.slice(2)
const [counter, caller, timers, heartbeat, inspect, upgraded, trapping, patient, ...classic] = paths.map(
  path => new Uint8Array(readFileSync(path)),
)
const owner = Ed25519KeyIdentity.generate(randomBytes(32))
const agent = await HttpAgent.create({ host, identity: owner, shouldFetchRootKey: true, retryTimes: 1 })
const anonymous = await HttpAgent.create({ host, shouldFetchRootKey: true, retryTimes: 1 })
const ic = managementOf({ Actor, IDL, Principal, agent })
const management = IcManagementCanister.create({ agent })

const service = ({ IDL: idl }) =>
  idl.Service({
    inc: idl.Func([], [idl.Nat], []),
    get: idl.Func([], [idl.Nat], ['query']),
    version: idl.Func([], [idl.Nat], ['query']),
    parallel: idl.Func([idl.Principal], [idl.Nat], []),
    tryBoom: idl.Func([idl.Principal], [idl.Text], []),
    peek: idl.Func([idl.Principal], [idl.Nat], ['composite_query']),
    start: idl.Func([], [], []),
    once: idl.Func([], [], []),
    deny: idl.Func([], [], []),
    set: idl.Func([idl.Nat32], [], []),
  })
const actorOf = (canisterId, as = agent) => Actor.createActor(service, { agent: as, canisterId })

async function installed(wasm) {
  const canister = await ic.create()
  await ic.install(canister, wasm)
  return canister
}

/** Asks until the answer will do, for as long as a timer may take on a busy machine. */
async function until(ask, holds) {
  for (let left = 120; left > 0; left--) {
    const value = await ask()
    if (holds(value)) return
    await sleep(500)
  }
  assert.fail('it never came to be so')
}

const ofRejection = async promise => {
  const thrown = await promise.then(
    () => assert.fail('it was not rejected'),
    reason => reason,
  )
  return thrown.cause?.code?.rejectErrorCode ?? thrown.message
}

/** A new program keeps what the old one counted; one that traps as it begins leaves the old one as it was. */
async function upgrades(first, second, bad, upgrade) {
  const canister = await installed(first)
  const actor = actorOf(canister)
  for (const count of [1n, 2n]) assert.equal(await actor.inc(), count)
  await upgrade(canister, second)
  assert.equal(await actor.get(), 2n)
  assert.equal(await actor.version(), 2n)
  assert.equal(await ofRejection(upgrade(canister, bad)), 'IC0503')
  assert.equal(await actor.get(), 2n)
  assert.equal(await actor.version(), 2n)
  assert.equal(await actor.inc(), 3n)
}

let counted

await run({
  'awaits others at once, and catches what they reject': async () => {
    counted = await installed(counter)
    const actor = actorOf(await installed(caller))
    assert.equal(await actor.parallel(counted), 3n)
    assert.match(await actor.tryBoom(counted), /assertion failed/)
    assert.equal(await actorOf(counted).get(), 2n)
  },
  'asks others in a composite query': async () => {
    assert.equal(await actorOf(await installed(caller)).peek(counted), 2n)
  },
  'has its timers': async () => {
    const actor = actorOf(await installed(timers))
    await actor.start()
    await actor.once()
    await until(actor.get, ticks => ticks > 101n)
  },
  'has its heartbeat': async () => {
    await until(actorOf(await installed(heartbeat)).get, beats => beats > 2n)
  },
  'looks at messages before they are taken': async () => {
    const canister = await installed(inspect)
    await actorOf(canister).set(7)
    // Motoko traps instead of saying nothing.
    assert.equal(await ofRejection(actorOf(canister).deny()), 'IC0503')
    assert.equal(await ofRejection(actorOf(canister, anonymous).set(7)), 'IC0503')
  },
  'is stopped though another never answers it, once its call has timed out': async () => {
    const [canister, silent] = [await installed(patient), await installed(patient)]
    const arg = new Uint8Array(IDL.encode([IDL.Principal], [silent]))
    const ask = { methodName: 'ask', arg, effectiveCanisterId: canister, callSync: false }
    const { requestId } = await agent.call(canister, ask)
    await management.stopCanister(canister)
    assert.deepEqual((await management.canisterStatus({ canisterId: canister })).status, { stopped: null })
    const { reply } = await polling.pollForResponse(agent, canister, requestId)
    assert.deepEqual(IDL.decode([IDL.Text], reply), ['unknown'])
    await management.deleteCanister(canister)
    // What never ends has its code taken away.
    await management.uninstallCode({ canisterId: silent })
    await management.stopCanister(silent)
    await management.deleteCanister(silent)
  },
  'keeps its heap when it is upgraded, and all of it when that fails': () =>
    upgrades(counter, upgraded, trapping, ic.upgrade),
  'keeps its stable variables when it is upgraded, and all of it when that fails': () =>
    upgrades(...classic, ic.upgradeClassic),
})
