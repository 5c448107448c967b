/**
 * The newest libraries of the IC as they are, with all their checks, against a node: the agent of generation 6, and the
 * client of the management canister.
 *
 *     node core-6.mjs <url> <counter.wasm> <upgraded.wasm>
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { IcManagementCanister } from '@icp-sdk/canisters/ic-management'
import { Actor, HttpAgent, polling } from '@icp-sdk/core/agent'
import { IDL } from '@icp-sdk/core/candid'
import * as identities from '@icp-sdk/core/identity'
import { Ed25519KeyIdentity } from '@icp-sdk/core/identity'
import { Secp256k1KeyIdentity } from '@icp-sdk/core/identity/secp256k1'
import { Principal } from '@icp-sdk/core/principal'
import { everyIdentity } from './identities.mjs'
import { managementOf } from './management.mjs'
import { run, withClockOff } from './scenario.mjs'

const [host, ...paths] = process.argv.slice(2)
const [counter, upgraded] = paths.map(path => new Uint8Array(readFileSync(path)))
const service = ({ IDL: idl }) =>
  idl.Service({
    inc: idl.Func([], [idl.Nat], []),
    get: idl.Func([], [idl.Nat], ['query']),
    who: idl.Func([], [idl.Principal], []),
    boom: idl.Func([], [], []),
    version: idl.Func([], [idl.Nat], ['query']),
  })
const owner = Ed25519KeyIdentity.generate(randomBytes(32))
const agent = await HttpAgent.create({ host, identity: owner, shouldFetchRootKey: true, retryTimes: 1 })
const ic = IcManagementCanister.create({ agent })
let canister
let actor

await run({
  'makes a canister and installs Motoko': async () => {
    canister = await managementOf({ Actor, IDL, Principal, agent }).create()
    await ic.installCode({
      mode: { install: null },
      canisterId: canister,
      wasmModule: counter,
      arg: new Uint8Array(IDL.encode([], [])),
    })
    actor = Actor.createActor(service, { agent, canisterId: canister })
  },
  'updates and queries': async () => {
    assert.equal(await actor.inc(), 1n)
    assert.equal(await actor.get(), 1n)
  },
  'is known by every kind of identity': async () => {
    for (const identity of await everyIdentity({ ...identities, Secp256k1KeyIdentity }, owner)) {
      const as = await HttpAgent.create({ host, identity, shouldFetchRootKey: true, retryTimes: 1 })
      const other = Actor.createActor(service, { agent: as, canisterId: canister })
      const who = identity?.getPrincipal() ?? Principal.anonymous()
      assert.equal((await other.who()).toText(), who.toText())
      assert.equal(await other.get(), 1n)
    }
  },
  'polls for what it did not wait for': async () => {
    const call = { methodName: 'get', arg: new Uint8Array(IDL.encode([], [])), effectiveCanisterId: canister }
    const { requestId, response } = await agent.call(canister, { ...call, callSync: false })
    assert.equal(response.status, 202)
    const { reply } = await polling.pollForResponse(agent, canister, requestId)
    assert.deepEqual(IDL.decode([IDL.Nat], reply), [1n])
  },
  'believes no other root key': async () => {
    const rootKey = Uint8Array.from(agent.rootKey, (byte, at) => (at > 60 ? byte ^ 1 : byte))
    const other = await HttpAgent.create({ host, rootKey, retryTimes: 0 })
    await assert.rejects(Actor.createActor(service, { agent: other, canisterId: canister }).who())
  },
  'is told of traps by a certificate': async () => {
    const thrown = await actor.boom().then(
      () => assert.fail('it was not rejected'),
      error => error,
    )
    assert.equal(thrown.cause.code.rejectErrorCode, 'IC0503')
    assert.equal(thrown.cause.code.isCertified, true)
  },
  'tells the status of a canister': async () => {
    const status = await ic.canisterStatus({ canisterId: canister })
    assert.deepEqual(status.status, { running: null })
    assert.deepEqual(status.settings.controllers.map(String), [owner.getPrincipal().toText()])
    assert.equal(Buffer.from(status.module_hash[0]).toString('hex'), createHash('sha256').update(counter).digest('hex'))
  },
  'changes settings': async () => {
    const other = Ed25519KeyIdentity.generate().getPrincipal()
    const controllers = [owner.getPrincipal().toText(), other.toText()]
    await ic.updateSettings({ canisterId: canister, settings: { controllers } })
    const status = await ic.canisterStatus({ canisterId: canister })
    assert.deepEqual(status.settings.controllers.map(String).sort(), controllers.sort())
  },
  'upgrades and keeps the state': async () => {
    const keep = { upgrade: [{ skip_pre_upgrade: [], wasm_memory_persistence: [{ keep: null }] }] }
    await ic.installCode({
      mode: keep,
      canisterId: canister,
      wasmModule: upgraded,
      arg: new Uint8Array(IDL.encode([], [])),
    })
    assert.equal(await actor.get(), 1n)
    assert.equal(await actor.version(), 2n)
  },
  'keeps chunks, and forgets them': async () => {
    const { hash } = await ic.uploadChunk({ canisterId: canister, chunk: new Uint8Array([1, 2, 3]) })
    assert.deepEqual(
      Buffer.from(hash),
      createHash('sha256')
        .update(Buffer.from([1, 2, 3]))
        .digest(),
    )
    assert.equal((await ic.storedChunks({ canisterId: canister })).length, 1)
    await ic.clearChunkStore({ canisterId: canister })
    assert.equal((await ic.storedChunks({ canisterId: canister })).length, 0)
  },
  'takes a snapshot and goes back to it': async () => {
    const { id } = await ic.takeCanisterSnapshot({ canisterId: canister })
    assert.equal(await actor.inc(), 2n)
    assert.equal((await ic.listCanisterSnapshots({ canisterId: canister })).length, 1)
    await ic.stopCanister(canister)
    await ic.loadCanisterSnapshot({ canisterId: canister, snapshotId: id })
    await ic.startCanister(canister)
    assert.equal(await actor.get(), 1n)
  },
  'moves a snapshot to another canister': async () => {
    const { id } = await ic.takeCanisterSnapshot({ canisterId: canister })
    const metadata = await ic.readCanisterSnapshotMetadata({ canisterId: canister, snapshotId: id })
    const other = await managementOf({ Actor, IDL, Principal, agent }).create()
    const { snapshot_id: copy } = await ic.uploadCanisterSnapshotMetadata({ canisterId: other, metadata })
    const sizes = {
      wasmModule: metadata.wasmModuleSize,
      wasmMemory: metadata.wasmMemorySize,
      stableMemory: metadata.stableMemorySize,
    }
    for (const [kind, total] of Object.entries(sizes)) {
      for (let offset = 0n; offset < total; offset += 2_000_000n) {
        const size = total - offset < 2_000_000n ? total - offset : 2_000_000n
        const { chunk } = await ic.readCanisterSnapshotData({
          canisterId: canister,
          snapshotId: id,
          kind: { [kind]: { offset, size } },
        })
        await ic.uploadCanisterSnapshotData({
          canisterId: other,
          snapshotId: copy,
          kind: { [kind]: { offset } },
          chunk: Uint8Array.from(chunk),
        })
      }
    }
    await ic.loadCanisterSnapshot({ canisterId: other, snapshotId: copy })
    const moved = Actor.createActor(service, { agent, canisterId: other })
    assert.equal(await moved.get(), await actor.get())
    assert.equal(await moved.inc(), (await actor.get()) + 1n)
    await ic.deleteCanisterSnapshot({ canisterId: canister, snapshotId: id })
  },
  'loads a snapshot of another canister, if it controls both': async () => {
    const { id } = await ic.takeCanisterSnapshot({ canisterId: canister })
    const other = await managementOf({ Actor, IDL, Principal, agent }).create()
    await ic.loadCanisterSnapshot({ canisterId: other, snapshotId: id })
    const loaded = Actor.createActor(service, { agent, canisterId: other })
    assert.equal(await loaded.inc(), (await actor.get()) + 1n)
    const stranger = await HttpAgent.create({
      host,
      identity: Ed25519KeyIdentity.generate(randomBytes(32)),
      shouldFetchRootKey: true,
      retryTimes: 1,
    })
    const theirs = await managementOf({ Actor, IDL, Principal, agent: stranger }).create()
    const thrown = await IcManagementCanister.create({ agent: stranger })
      .loadCanisterSnapshot({ canisterId: theirs, snapshotId: id })
      .then(
        () => assert.fail('it was not rejected'),
        error => error,
      )
    assert.equal(thrown.cause.code.rejectErrorCode, 'IC0406')
    assert.equal(thrown.cause.code.isCertified, true)
    await ic.deleteCanisterSnapshot({ canisterId: canister, snapshotId: id })
  },
  'stops and starts': async () => {
    await ic.stopCanister(canister)
    assert.deepEqual((await ic.canisterStatus({ canisterId: canister })).status, { stopped: null })
    const thrown = await actor.inc().then(
      () => assert.fail('it was not rejected'),
      error => error,
    )
    assert.equal(thrown.cause.code.rejectErrorCode, 'IC0508')
    await ic.startCanister(canister)
    assert.equal(await actor.inc(), 2n)
  },
  'reads logs': async () => {
    assert.ok(Array.isArray((await ic.fetchCanisterLogs(canister)).canister_log_records))
  },
  'uninstalls and deletes': async () => {
    await ic.uninstallCode({ canisterId: canister })
    assert.deepEqual((await ic.canisterStatus({ canisterId: canister })).module_hash, [])
    await ic.stopCanister(canister)
    await ic.deleteCanister(canister)
    await assert.rejects(ic.canisterStatus({ canisterId: canister }))
  },
  'recovers with a clock that is ten minutes off': async () => {
    const made = await managementOf({ Actor, IDL, Principal, agent }).create()
    await ic.installCode({
      mode: { install: null },
      canisterId: made,
      wasmModule: counter,
      arg: new Uint8Array(IDL.encode([], [])),
    })
    for (const minutes of [10, -10]) {
      await withClockOff(minutes, async () => {
        const fresh = await HttpAgent.create({ host, identity: owner, shouldFetchRootKey: true, retryTimes: 1 })
        assert.ok((await Actor.createActor(service, { agent: fresh, canisterId: made }).inc()) > 0n)
      })
    }
  },
})
