/**
 * The agent of DFINITY, generation 3, as it is, with all its checks, against a node.
 *
 *     node agent-3.mjs <url> <counter.wasm> <upgraded.wasm> <certified.wasm> <large.wasm> <signer.wasm>
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  Actor,
  CanisterStatus,
  Cbor,
  Certificate,
  hashOfMap,
  HttpAgent,
  lookup_path,
  polling,
  reconstruct,
  wrapDER,
} from '@dfinity/agent'
import { IDL } from '@dfinity/candid'
import * as identities from '@dfinity/identity'
import { Delegation, DelegationChain, DelegationIdentity, Ed25519KeyIdentity } from '@dfinity/identity'
import { Secp256k1KeyIdentity } from '@dfinity/identity-secp256k1'
import { Principal } from '@dfinity/principal'
import { everyIdentity } from './identities.mjs'
import { managementOf } from './management.mjs'
import { run, withClockOff } from './scenario.mjs'

const [host, ...paths] = process.argv.slice(2)
const [counter, upgraded, certified, large, signer] = paths.map(path => new Uint8Array(readFileSync(path)))

const service = ({ IDL: idl }) =>
  idl.Service({
    inc: idl.Func([], [idl.Nat], []),
    get: idl.Func([], [idl.Nat], ['query']),
    who: idl.Func([], [idl.Principal], []),
    boom: idl.Func([], [], []),
    version: idl.Func([], [idl.Nat], ['query']),
    missing: idl.Func([], [], ['query']),
  })
const certifiedService = ({ IDL: idl }) =>
  idl.Service({
    set: idl.Func([idl.Text], [], []),
    get: idl.Func([], [idl.Record({ value: idl.Text, certificate: idl.Opt(idl.Vec(idl.Nat8)) })], ['query']),
  })

const signerService = ({ IDL: idl }) =>
  idl.Service({
    prepare: idl.Func([idl.Vec(idl.Nat8)], [], []),
    certificate: idl.Func([], [idl.Opt(idl.Vec(idl.Nat8))], ['query']),
  })
const CANISTER_KEY = Uint8Array.from([
  0x30, 0x0c, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xb8, 0x43, 0x01, 0x02,
])
const sha = bytes => new Uint8Array(createHash('sha256').update(bytes).digest())
const bytesOf = text => new Uint8Array(Buffer.from(text))

const owner = Ed25519KeyIdentity.generate(randomBytes(32))
const agentOf = (identity, more = {}) =>
  HttpAgent.create({ host, identity, shouldFetchRootKey: true, retryTimes: 1, ...more })
const ownerAgent = await agentOf(owner)
const ic = managementOf({ Actor, IDL, Principal, agent: ownerAgent })
const actorOf = async (canisterId, identity, more) =>
  Actor.createActor(service, { agent: await agentOf(identity, more), canisterId })
const rejected = async (promise, code, error) => {
  const thrown = await promise.then(
    () => assert.fail('it was not rejected'),
    reason => reason,
  )
  assert.equal(thrown.cause?.code?.rejectCode, code, thrown.message)
  if (error) assert.equal(thrown.cause.code.rejectErrorCode, error)
  return thrown
}
let canister

await run({
  'tells its status': async () => {
    const status = await ownerAgent.status()
    assert.equal(status.replica_health_status, 'healthy')
    assert.equal(status.root_key.length, 133)
  },
  'makes a canister and installs Motoko': async () => {
    canister = await ic.create()
    await ic.install(canister, counter)
  },
  'updates and queries, for every kind of identity': async () => {
    for (const identity of await everyIdentity({ ...identities, Secp256k1KeyIdentity }, owner)) {
      const actor = await actorOf(canister, identity)
      const before = await actor.get()
      assert.equal(await actor.inc(), before + 1n)
      assert.equal(await actor.get(), before + 1n)
      const who = identity?.getPrincipal() ?? Principal.anonymous()
      assert.equal((await actor.who()).toText(), who.toText())
    }
  },
  'polls for what it did not wait for': async () => {
    const agent = await agentOf(owner)
    const { requestId, response } = await agent.call(canister, {
      methodName: 'inc',
      arg: IDL.encode([], []),
      callSync: false,
      effectiveCanisterId: canister,
    })
    assert.equal(response.status, 202)
    const { reply } = await polling.pollForResponse(agent, canister, requestId, polling.defaultStrategy())
    assert.ok(IDL.decode([IDL.Nat], reply)[0] > 0n)
  },
  'is told of traps by a certificate, and the state is as before': async () => {
    const actor = await actorOf(canister, owner)
    const before = await actor.get()
    const thrown = await rejected(actor.boom(), 5, 'IC0503')
    assert.equal(thrown.cause.code.isCertified, true)
    assert.equal(await actor.get(), before)
  },
  'is told of methods and canisters that are not there': async () => {
    const actor = await actorOf(canister, owner)
    await rejected(actor.missing(), 5, 'IC0536')
    const nobody = await actorOf(Principal.fromUint8Array(new Uint8Array(29).fill(1)), owner)
    await rejected(nobody.inc(), 3, 'IC0301')
  },
  'reads time, controllers, module hash, Candid and subnet': async () => {
    const status = await CanisterStatus.request({
      agent: ownerAgent,
      canisterId: canister,
      paths: ['time', 'controllers', 'module_hash', 'candid', 'subnet'],
    })
    assert.ok(Math.abs(Number(status.get('time')) - Date.now()) < 60_000)
    assert.deepEqual(status.get('controllers').map(String), [owner.getPrincipal().toText()])
    assert.equal(status.get('module_hash'), createHash('sha256').update(counter).digest('hex'))
    assert.match(status.get('candid'), /service/)
    assert.equal(status.get('subnet').nodeKeys.size, 1)
  },
  'believes no other root key': async () => {
    const rootKey = Uint8Array.from(ownerAgent.rootKey, (byte, at) => (at > 60 ? byte ^ 1 : byte))
    const agent = await HttpAgent.create({ host, rootKey, retryTimes: 0 })
    await assert.rejects(Actor.createActor(service, { agent, canisterId: canister }).inc())
  },
  'reads the clock where no canister is': async () => {
    const agent = await agentOf(owner, { shouldSyncTime: true })
    assert.ok(Math.abs(agent.getTimeDiffMsecs()) < 60_000)
  },
  'recovers with a clock that is ten minutes off': async () => {
    for (const minutes of [10, -10]) {
      await withClockOff(minutes, async () => {
        const actor = await actorOf(canister, owner)
        assert.ok((await actor.inc()) > 0n)
        const fresh = await actorOf(canister, owner, { shouldSyncTime: true })
        assert.ok((await fresh.get()) > 0n)
      })
    }
  },
  'upgrades and keeps the state': async () => {
    const actor = await actorOf(canister, owner)
    const before = await actor.inc()
    await ic.upgrade(canister, upgraded)
    assert.equal(await actor.get(), before)
    assert.equal(await actor.version(), 2n)
  },
  'keeps the old canister when an upgrade fails': async () => {
    const actor = await actorOf(canister, owner)
    const before = await actor.get()
    await assert.rejects(ic.upgrade(canister, new Uint8Array([1, 2, 3])))
    assert.equal(await actor.get(), before)
    assert.equal(await actor.version(), 2n)
  },
  'lets controllers alone control': async () => {
    const stranger = managementOf({ Actor, IDL, Principal, agent: await agentOf(Ed25519KeyIdentity.generate()) })
    await assert.rejects(stranger.upgrade(canister, counter), /IC0512|controllers/)
  },
  'installs in chunks what is larger than a message': async () => {
    assert.ok(large.length > 2_500_000)
    const other = await ic.create()
    await ic.installInChunks(other, large, createHash('sha256').update(large).digest())
    const actor = await actorOf(other, owner)
    assert.equal(await actor.inc(), 1n)
  },
  'certifies data that a query shows': async () => {
    const other = await ic.create()
    await ic.install(other, certified)
    const actor = Actor.createActor(certifiedService, { agent: ownerAgent, canisterId: other })
    for (const text of ['one', 'two']) {
      await actor.set(text)
      const { value, certificate } = await actor.get()
      assert.equal(value, text)
      const checked = await Certificate.create({
        certificate: Uint8Array.from(certificate[0]),
        rootKey: ownerAgent.rootKey,
        canisterId: other,
      })
      const found = lookup_path(['canister', other.toUint8Array(), 'certified_data'], checked.cert.tree)
      assert.deepEqual(Buffer.from(found.value).toString(), text)
    }
  },
  "signs in by a canister's signature, as with Internet Identity": async () => {
    const id = await ic.create()
    await ic.install(id, signer)
    const provider = Actor.createActor(signerService, { agent: ownerAgent, canisterId: id })
    const seed = randomBytes(32)
    const publicKey = wrapDER(Uint8Array.from([id.toUint8Array().length, ...id.toUint8Array(), ...seed]), CANISTER_KEY)
    const session = Ed25519KeyIdentity.generate()
    const signedFor = async (pubkey, expiration) => {
      const message = Buffer.concat([Buffer.from('\x1Aic-request-auth-delegation'), hashOfMap({ pubkey, expiration })])
      const tree = [2, bytesOf('sig'), [2, sha(seed), [2, sha(message), [3, new Uint8Array(0)]]]]
      await provider.prepare(new Uint8Array(await reconstruct(tree)))
      const [certificate] = await provider.certificate()
      return new Uint8Array(Cbor.encode({ certificate: new Uint8Array(certificate), tree }))
    }
    const pubkey = session.getPublicKey().toDer()
    const expiration = BigInt(Date.now() + 3_600_000) * 1_000_000n
    const identityWith = (signature, until = expiration) => {
      const chain = DelegationChain.fromDelegations(
        [{ delegation: new Delegation(pubkey, until), signature }],
        publicKey,
      )
      return DelegationIdentity.fromDelegation(session, chain)
    }
    const signature = await signedFor(pubkey, expiration)
    const identity = identityWith(signature)
    const actor = await actorOf(canister, identity)
    assert.equal((await actor.who()).toText(), Principal.selfAuthenticating(publicKey).toText())
    assert.equal(await actor.inc(), await actor.get())
    // What was signed for another key, or until another time, opens nothing.
    const other = await signedFor(Ed25519KeyIdentity.generate().getPublicKey().toDer(), expiration)
    for (const wrong of [identityWith(other), identityWith(signature, expiration + 1n)]) {
      await assert.rejects((await actorOf(canister, wrong, { retryTimes: 0 })).inc(), /uthenticat|signature|400/i)
    }
  },
})
