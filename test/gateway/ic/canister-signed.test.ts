import { Ed25519KeyIdentity } from '@icp-sdk/core/identity'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { QueryClerk } from '../../../gateway/index.ts'
import { Failure, principalText, principalOf, selfAuthenticating, toUtf8 } from '../../../protocol/index.ts'
import { asIc, callContent, canisterDer, envelopeOf, signedBy } from '../../fakes/signed-requests.ts'
import { IcNode } from './ic-node.ts'

/** Looks at nothing until it is told to, and then refuses. */
class SlowNotary implements QueryClerk, AsyncDisposable {
  readonly asked: string[] = []
  readonly #told = Promise.withResolvers<never>()

  read = (): Promise<never> => this.#wait('read')
  refute = (): Promise<never> => this.#wait('refute')
  sign = (): Promise<never> => this.#wait('sign')

  refuse(): void {
    this.#told.reject(new Failure('busy'))
  }

  #wait(what: string): Promise<never> {
    this.asked.push(what)
    return this.#told.promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#told.promise.catch(() => undefined)
  }
}

const identity = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(9))
const DER = canisterDer(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, 1, 1), new Uint8Array(32))
const CREATE = 'provisional_create_canister_with_cycles'
const NOWHERE = new Uint8Array(0)
const soon = (): bigint => BigInt(Date.now() + 200_000) * 1_000_000n
const notary = new SlowNotary()
let node: IcNode
let canister: Uint8Array

const post = async (path: string, body: Uint8Array): Promise<number> =>
  (await fetch(`${node.url}/api/v3/canister/${path}`, { method: 'POST', body: body as BodyInit })).status

beforeAll(async () => {
  node = await IcNode.open({ notary })
  const made = await signedBy(
    identity,
    callContent({ canister_id: NOWHERE, method_name: CREATE, ingress_expiry: soon() }),
  )
  expect(await post(`${principalText(Uint8Array.of(1))}/call`, made)).toBe(200)
  canister = principalOf([...node.units.canisters.keys()][0] ?? '')
})
afterAll(() => node[Symbol.asyncDispose]())

it('what canisters may have signed is looked at elsewhere: nobody else waits behind it', async () => {
  const at = principalText(canister)
  const asked = [
    ['call', { request_type: 'call', canister_id: canister, method_name: 'inc' }],
    ['call', { request_type: 'call', canister_id: NOWHERE, method_name: CREATE }],
    ['query', { request_type: 'query', canister_id: canister, method_name: 'get' }],
  ] as const
  const look = { request_type: 'read_state', paths: [[toUtf8('time')]], ingress_expiry: soon() }
  const forged = (content: Record<string, unknown>): Uint8Array =>
    envelopeOf({
      content: asIc({ ...content, sender: selfAuthenticating(DER) }),
      sender_pubkey: DER,
      sender_sig: new Uint8Array(8),
    })
  const waiting = [
    ...asked.map(([action, fields]) =>
      post(`${at}/${action}`, forged(callContent({ ...fields, ingress_expiry: soon() }))),
    ),
    post(`${at}/read_state`, forged(look)),
  ]
  await expect.poll(() => notary.asked.length).toBe(waiting.length)
  for (const [action, fields] of asked)
    expect(
      await post(`${at}/${action}`, await signedBy(identity, callContent({ ...fields, ingress_expiry: soon() }))),
    ).toBe(200)
  expect(await post(`${at}/read_state`, await signedBy(identity, look))).toBe(200)
  expect(notary.asked.toSorted()).toEqual(['read', 'refute', 'refute', 'refute'])
  notary.refuse()
  expect(await Promise.all(waiting)).toEqual([429, 429, 429, 429])
})
