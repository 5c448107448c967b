import { Cbor } from '@icp-sdk/core/agent'
import { DelegationChain, DelegationIdentity, Ed25519KeyIdentity } from '@icp-sdk/core/identity'
import { Principal } from '@icp-sdk/core/principal'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postAll } from '../../../bench/ic/raw-posts.ts'
import { principalOf, principalText, toHex, toUtf8 } from '../../../protocol/index.ts'
import { MUTATIONS_SEED, mutated, mutationsOr } from '../../fakes/mutations.ts'
import { seededRandom } from '../../fakes/seeded-random.ts'
import { asIc, callContent, envelopeOf, signedBy } from '../../fakes/signed-requests.ts'
import { IcNode } from './ic-node.ts'

/** What is mutated is signed anew after so many posts: what has expired is refused before anybody looks at the rest. */
const POSTS_OF_ONE_SIGNING = 20_000
const POSTS_AT_ONCE = 8
const ENDPOINTS = [
  ['v2', 'call'],
  ['v3', 'call'],
  ['v4', 'call'],
  ['v2', 'query'],
  ['v3', 'query'],
  ['v2', 'read_state'],
  ['v3', 'read_state'],
] as const
const ANY = 'ryjl3-tyaaa-aaaaa-aaaba-cai'
const identity = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(9))
const soon = (): bigint => BigInt(Date.now() + 200_000) * 1_000_000n

let node: IcNode
let canister: string

const post = (path: string, body: Uint8Array, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${node.url}${path}`, {
    method: 'POST',
    body: body as BodyInit,
    headers: { 'content-type': 'application/cbor', ...headers },
  })

beforeAll(async () => {
  node = await IcNode.open()
  const create = await signedBy(
    identity,
    callContent({
      canister_id: new Uint8Array(0),
      method_name: 'provisional_create_canister_with_cycles',
      ingress_expiry: soon(),
    }),
  )
  expect((await post(`/api/v3/canister/${ANY}/call`, create)).status).toBe(200)
  canister = principalText(principalOf([...node.units.canisters.keys()][0] ?? ''))
})
afterAll(() => node[Symbol.asyncDispose]())

/** A query, a look at the state and a call, which are good now. */
const signedAnew = (): Promise<Uint8Array[]> => {
  const content = { canister_id: principalOf([...node.units.canisters.keys()][0] ?? ''), ingress_expiry: soon() }
  return Promise.all([
    signedBy(identity, callContent({ ...content, method_name: 'inc', request_type: 'query' })),
    signedBy(identity, {
      request_type: 'read_state',
      ingress_expiry: soon(),
      paths: [[toUtf8('time')], [toUtf8('request_status'), new Uint8Array(32)]],
    }),
    signedBy(identity, callContent({ ...content, method_name: 'fail' })),
  ])
}

describe('the IC face', () => {
  it('answers whatever comes with 2xx or 4xx, and takes nothing that is not signed', {
    timeout: 3_600_000,
  }, async () => {
    const slots = (): number => [...node.units.canisters.values()][0]?.results.length ?? 0
    const random = seededRandom(MUTATIONS_SEED + 3)
    const before = slots()
    const posts = mutationsOr(2_000)
    let [left, signings] = [posts, 0]
    for (; left > 0; left -= POSTS_OF_ONE_SIGNING, signings++) {
      const originals = await signedAnew()
      const each = Math.ceil(Math.min(left, POSTS_OF_ONE_SIGNING) / ENDPOINTS.length)
      for (const [version, action] of ENDPOINTS) {
        const bodies = Array.from({ length: each }, () => mutated(originals, random))
        const path = `/api/${version}/canister/${canister}/${action}`
        await postAll(node.url, path, bodies, POSTS_AT_ONCE, ({ status, body }, at) => {
          if (status < 500) return
          throw new Error(`${path} ${toHex(bodies[at] ?? body)}: ${status} ${body.toString('latin1')}`)
        })
      }
    }
    // The one original call may get through unharmed; no other may.
    expect(slots() - before).toBeLessThanOrEqual(signings)
  })

  it.each([
    ['a path that is not there', '/api/v9/canister/aaaaa-aa/call', 404],
    ['a query of version 4', `/api/v4/canister/${ANY}/query`, 404],
    ['a principal that is none', '/api/v2/canister/aaaaa-ab/call', 400],
    ['an empty body', `/api/v2/canister/${ANY}/call`, 400],
    ['another subnet', `/api/v3/subnet/${ANY}/read_state`, 404],
  ])('refuses %s', async (_, path, status) => {
    expect((await post(path, new Uint8Array(0))).status).toBe(status)
  })

  it('refuses other methods, bodies above its limit, and compressed ones', async () => {
    expect((await fetch(`${node.url}/api/v2/canister/${ANY}/call`)).status).toBe(405)
    expect((await post('/api/v2/status', new Uint8Array(0))).status).toBe(405)
    expect((await post(`/api/v2/canister/${ANY}/call`, new Uint8Array(2 * 1024 * 1024 + 1))).status).toBe(413)
    expect((await post(`/api/v2/canister/${ANY}/call`, new Uint8Array(1), { 'content-encoding': 'gzip' })).status).toBe(
      415,
    )
  })

  it('may be used by pages of any origin, and asks for no credentials', async () => {
    const preflight = await fetch(`${node.url}/api/v3/canister/${ANY}/call`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://example.com',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
    expect(preflight.headers.get('access-control-allow-credentials')).toBeNull()
    const status = await fetch(`${node.url}/api/v2/status`, { headers: { origin: 'https://example.com' } })
    expect(status.headers.get('access-control-allow-origin')).toBe('*')
    expect(Cbor.decode<{ root_key: Uint8Array }>(new Uint8Array(await status.arrayBuffer())).root_key).toEqual(
      node.keys.rootKey,
    )
  })

  it('shows what became of a request to who made it alone, and of others that there is none', async () => {
    const { id, body } = await call('inc')
    expect((await post(`/api/v3/canister/${canister}/call`, body)).status).toBe(200)
    const read = (who: Ed25519KeyIdentity, paths: Uint8Array[][]): Promise<Uint8Array> =>
      signedBy(who, { request_type: 'read_state', ingress_expiry: soon(), paths })
    const other = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(10))
    const path = `/api/v2/canister/${canister}/read_state`
    expect((await post(path, await read(identity, [[toUtf8('request_status'), id]]))).status).toBe(200)
    expect((await post(path, await read(other, [[toUtf8('request_status'), id]]))).status).toBe(403)
    expect(
      (
        await post(
          path,
          await read(other, [
            [toUtf8('request_status'), id],
            [toUtf8('request_status'), new Uint8Array(32)],
          ]),
        )
      ).status,
    ).toBe(400)
    expect((await post(path, await read(other, [[toUtf8('canister')]]))).status).toBe(404)
    expect((await post(path, await read(other, [[]]))).status).toBe(404)
    const secret = [
      toUtf8('canister'),
      principalOf([...node.units.canisters.keys()][0] ?? ''),
      toUtf8('metadata'),
      toUtf8('secret'),
    ]
    expect((await post(path, await read(other, [secret]))).status).toBe(403)
    expect((await post(path, await read(identity, [secret]))).status).toBe(200)
  })

  it('answers a repeated call with the same, and carries it out once', async () => {
    const { body } = await call('inc')
    const slots = (): number => [...node.units.canisters.values()][0]?.results.length ?? 0
    const before = slots()
    const answers = await Promise.all([body, body, body].map(bytes => post(`/api/v3/canister/${canister}/call`, bytes)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect((await post(`/api/v2/canister/${canister}/call`, body)).status).toBe(202)
    expect(slots()).toBe(before + 1)
  })

  it('shows what became of a request only by delegations that hold for whom it asked', async () => {
    const { id, body } = await call('inc')
    expect((await post(`/api/v3/canister/${canister}/call`, body)).status).toBe(200)
    const session = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(11))
    const own = Principal.fromText(canister)
    const read = async (targets: Principal[] | undefined, path: Uint8Array[]): Promise<number> => {
      const chain = await DelegationChain.create(
        identity,
        session.getPublicKey(),
        new Date(Date.now() + 600_000),
        targets === undefined ? {} : { targets },
      )
      const delegated = DelegationIdentity.fromDelegation(session, chain)
      const bytes = await signedBy(delegated, { request_type: 'read_state', ingress_expiry: soon(), paths: [path] })
      return (await post(`/api/v2/canister/${canister}/read_state`, bytes)).status
    }
    const status = [toUtf8('request_status'), id]
    const secret = [toUtf8('canister'), own.toUint8Array(), toUtf8('metadata'), toUtf8('secret')]
    for (const path of [status, secret]) {
      expect(await read(undefined, path)).toBe(200)
      expect(await read([own], path)).toBe(200)
      expect(await read([Principal.fromText(ANY)], path)).toBe(403)
    }
  })

  it('takes what is signed to be read for some time, not for ever', async () => {
    const minutes = (count: number): bigint => BigInt(Date.now() + count * 60_000) * 1_000_000n
    const content = (expiry: bigint) =>
      callContent({
        canister_id: Principal.fromText(canister).toUint8Array(),
        method_name: 'get',
        request_type: 'query',
        ingress_expiry: expiry,
      })
    const ask = async (expiry: bigint): Promise<number> =>
      (await post(`/api/v2/canister/${canister}/query`, await signedBy(identity, content(expiry)))).status
    expect(await ask(minutes(-10))).toBe(200)
    expect(await ask(minutes(15))).toBe(200)
    const late = await post(`/api/v2/canister/${canister}/query`, await signedBy(identity, content(minutes(-16))))
    expect(late.status).toBe(400)
    expect(await late.text()).toMatch(/^Invalid request expiry: /)
    expect(await ask(minutes(30))).toBe(400)
    expect((await post(`/api/v2/canister/${canister}/query`, envelopeOf({ content: asIc(content(1n)) }))).status).toBe(
      200,
    )
  })

  it('makes one canister of one request, however it is written and how often it comes', async () => {
    const before = node.units.canisters.size
    const body = await signedBy(
      identity,
      callContent({
        canister_id: new Uint8Array(0),
        method_name: 'create_canister',
        ingress_expiry: soon(),
        nonce: new Uint8Array(16).fill(3),
      }),
    )
    // The tag before the value says nothing.
    const other = body.subarray(3)
    expect([...body.subarray(0, 3)]).toEqual([0xd9, 0xd9, 0xf7])
    const sent = [body, other, body, other].map(bytes => post(`/api/v3/canister/${ANY}/call`, bytes))
    for (const answer of await Promise.all(sent)) expect(answer.status).toBe(200)
    expect((await post(`/api/v3/canister/${ANY}/call`, other)).status).toBe(200)
    expect(node.units.canisters.size).toBe(before + 1)
  })

  it('refuses what a canister does not want to see before it has a slot', async () => {
    const { body } = await call('refused')
    const response = await post(`/api/v4/canister/${canister}/call`, body)
    expect(Cbor.decode(new Uint8Array(await response.arrayBuffer()))).toMatchObject({
      status: 'non_replicated_rejection',
      reject_code: 4,
      error_code: 'IC0406',
    })
  })

  it('tells clients in the words they know that a request has expired', async () => {
    const late = envelopeOf({
      content: asIc(
        callContent({ canister_id: principalOf([...node.units.canisters.keys()][0] ?? ''), ingress_expiry: 1n }),
      ),
    })
    const response = await post(`/api/v3/canister/${canister}/call`, late)
    expect(response.status).toBe(400)
    expect(await response.text()).toMatch(/^Invalid request expiry: /)
  })
})

async function call(method: string): Promise<{ id: Uint8Array; body: Uint8Array }> {
  const { requestIdOf } = await import('@icp-sdk/core/agent')
  const content = callContent({
    canister_id: principalOf([...node.units.canisters.keys()][0] ?? ''),
    ingress_expiry: soon(),
    method_name: method,
    nonce: crypto.getRandomValues(new Uint8Array(16)),
    sender: identity.getPrincipal().toUint8Array(),
  })
  return { id: requestIdOf(content), body: await signedBy(identity, content) }
}
