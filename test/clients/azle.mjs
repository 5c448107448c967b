/**
 * A canister whose host is written in Rust, larger than a message, installed and used by the newest agent.
 *
 *     node azle.mjs <url> <shop.wasm>
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Actor, HttpAgent } from '@icp-sdk/core/agent'
import { IDL } from '@icp-sdk/core/candid'
import { Ed25519KeyIdentity } from '@icp-sdk/core/identity'
import { Principal } from '@icp-sdk/core/principal'
import { managementOf } from './management.mjs'
import { run } from './scenario.mjs'

const [host, path] = process.argv.slice(2)
const wasm = new Uint8Array(readFileSync(path))
const hash = createHash('sha256').update(wasm).digest()
const service = ({ IDL: idl }) =>
  idl.Service({
    put: idl.Func([idl.Text, idl.Nat], [idl.Nat], []),
    get: idl.Func([idl.Text], [idl.Opt(idl.Nat)], ['query']),
    refuse: idl.Func([], [], []),
    putElsewhere: idl.Func([idl.Principal, idl.Text, idl.Nat], [idl.Nat], []),
  })
const agent = await HttpAgent.create({
  host,
  identity: Ed25519KeyIdentity.generate(randomBytes(32)),
  shouldFetchRootKey: true,
  retryTimes: 1,
})
const ic = managementOf({ Actor, IDL, Principal, agent })
const made = async () => {
  const canisterId = await ic.create()
  await ic.installInChunks(canisterId, wasm, hash)
  return { canisterId, actor: Actor.createActor(service, { agent, canisterId }) }
}
let shop

await run({
  'installs in chunks': async () => {
    assert.ok(wasm.length > 2_500_000)
    shop = await made()
  },
  'updates and queries': async () => {
    assert.equal(await shop.actor.put('apple', 3n), 3n)
    assert.equal(await shop.actor.put('apple', 4n), 7n)
    assert.deepEqual(await shop.actor.get('apple'), [7n])
    assert.deepEqual(await shop.actor.get('pear'), [])
  },
  'is told of what it throws, and the state is as before': async () => {
    const thrown = await shop.actor.refuse().then(
      () => assert.fail('it was not rejected'),
      error => error,
    )
    assert.match(thrown.message, /out of apples/)
    assert.deepEqual(await shop.actor.get('apple'), [7n])
  },
  'lets one canister await another': async () => {
    const other = await made()
    assert.equal(await shop.actor.putElsewhere(other.canisterId, 'pear', 5n), 5n)
    assert.deepEqual(await other.actor.get('pear'), [5n])
  },
})
