import { Cbor } from '@icp-sdk/core/agent'
import { Ed25519KeyIdentity } from '@icp-sdk/core/identity'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  candidFields,
  candidRecord,
  encodeCandid,
  principalFromText,
  principalOf,
  principalText,
  toUtf8,
} from '../../../protocol/index.ts'
import { callContent, clientRequestId, signedBy } from '../../fakes/signed-requests.ts'
import { IcNode } from './ic-node.ts'

const NOWHERE = 'ryjl3-tyaaa-aaaaa-aaaba-cai'
const MANAGEMENT = 'aaaaa-aa'
const identity = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(21))
const soon = (): bigint => BigInt(Date.now() + 200_000) * 1_000_000n

let node: IcNode
let canisters: Uint8Array[]

beforeAll(async () => {
  node = await IcNode.open()
  for (const nonce of [1, 2]) {
    const create = { method_name: 'provisional_create_canister_with_cycles', nonce: Uint8Array.of(nonce) }
    expect((await manage(NOWHERE, create)).status).toBe(200)
  }
  canisters = [...node.units.canisters.keys()].map(id => principalOf(id))
})
afterAll(() => node[Symbol.asyncDispose]())

const post = async (path: string, content: Record<string, unknown>): Promise<Response> =>
  fetch(`${node.url}/api/${path}`, { method: 'POST', body: (await signedBy(identity, content)) as BodyInit })

const manage = (effective: string, fields: Record<string, unknown>): Promise<Response> =>
  post(
    `v3/canister/${effective}/call`,
    callContent({ canister_id: new Uint8Array(0), ingress_expiry: soon(), ...fields }),
  )

const about = (principal: Uint8Array): Uint8Array =>
  encodeCandid([[{ record: candidFields({ canister_id: 'principal' }) }, candidRecord({ canister_id: { principal } })]])

const look = (effective: string, ...path: (string | Uint8Array)[]): Promise<Response> =>
  post(`v2/${effective}/read_state`, {
    request_type: 'read_state',
    ingress_expiry: soon(),
    paths: [path.map(label => (typeof label === 'string' ? toUtf8(label) : label))],
  })

const bodyOf = async (response: Response): Promise<Record<string, unknown>> =>
  Cbor.decode(new Uint8Array(await response.arrayBuffer()))

describe('a request to the management canister', () => {
  it('goes to the canister that it is about, and to no other', async () => {
    const [one = new Uint8Array(0), two = new Uint8Array(0)] = canisters
    const status = { method_name: 'canister_status', arg: about(one) }
    expect((await manage(principalText(two), status)).status).toBe(400)
    expect((await manage(MANAGEMENT, status)).status).toBe(400)
    const query = callContent({
      ...status,
      canister_id: new Uint8Array(0),
      request_type: 'query',
      ingress_expiry: soon(),
    })
    expect((await post(`v2/canister/${principalText(two)}/query`, query)).status).toBe(400)
    expect((await post(`v2/canister/${MANAGEMENT}/query`, query)).status).toBe(400)
  })

  it.each(['raw_rand', 'http_request', 'ecdsa_public_key', 'sign_with_ecdsa'])(
    'for %s is refused before it has a slot, whatever the path',
    async method => {
      for (const effective of [NOWHERE, principalText(canisters[0] ?? new Uint8Array(0))]) {
        const response = await manage(effective, { method_name: method })
        expect(response.status).toBe(200)
        expect(await bodyOf(response)).toMatchObject({ status: 'non_replicated_rejection', reject_code: 4 })
      }
    },
  )

  it('that is a query and names no canister is rejected by what it is, whatever the path', async () => {
    const rejected: readonly [method: string, code: number, error: string][] = [
      ['raw_rand', 5, 'IC0536'],
      ['make_me_rich', 5, 'IC0536'],
      ['canister_status', 4, 'IC0408'],
      ['fetch_canister_logs', 4, 'IC0408'],
      ['list_canisters', 4, 'IC0406'],
    ]
    for (const effective of [NOWHERE, principalText(canisters[0] ?? new Uint8Array(0))]) {
      for (const [method_name, reject_code, error_code] of rejected) {
        const query = callContent({
          canister_id: new Uint8Array(0),
          request_type: 'query',
          method_name,
          ingress_expiry: soon(),
        })
        const answer = await bodyOf(await post(`v3/canister/${effective}/query`, query))
        expect([method_name, answer]).toMatchObject([method_name, { status: 'rejected', reject_code, error_code }])
      }
    }
  })

  it('that makes a canister goes anywhere, and is asked for there', async () => {
    const create = callContent({
      canister_id: new Uint8Array(0),
      method_name: 'create_canister',
      ingress_expiry: soon(),
      sender: identity.getPrincipal().toUint8Array(),
    })
    expect((await manage(MANAGEMENT, create)).status).toBe(200)
    expect((await look(`canister/${MANAGEMENT}`, 'request_status', clientRequestId(create))).status).toBe(200)
    expect((await look(`canister/${MANAGEMENT}`, 'time')).status).toBe(200)
    expect((await look(`canister/${MANAGEMENT}`, 'subnet')).status).toBe(400)
    expect((await look(`canister/${MANAGEMENT}`, 'canister', '', 'controllers')).status).toBe(400)
  })
})

describe('a request to the subnet of a node', () => {
  const subnet = (): string => `subnet/${principalText(node.keys.subnetId)}`
  const toNobody = (fields: Record<string, unknown>): Record<string, unknown> =>
    callContent({ canister_id: new Uint8Array(0), ingress_expiry: soon(), ...fields })

  it.each(['v2', 'v3', 'v4'])('makes a canister by %s', async version => {
    const create = toNobody({ method_name: 'create_canister', nonce: toUtf8(version) })
    const response = await post(`${version}/${subnet()}/call`, create)
    if (version === 'v2') expect(response.status).toBe(202)
    else expect(await bodyOf(response)).toMatchObject({ status: 'replied', certificate: expect.anything() })
  })

  it('is refused if it is about a canister, or is a query of what is not offered', async () => {
    const [one = new Uint8Array(0)] = canisters
    const start = toNobody({ method_name: 'start_canister', arg: about(one) })
    expect(await bodyOf(await post(`v4/${subnet()}/call`, start))).toMatchObject({
      status: 'non_replicated_rejection',
      error_code: 'IC0406',
    })
    for (const method_name of ['list_canisters', 'canister_status']) {
      const query = { ...toNobody({ method_name, arg: about(one) }), request_type: 'query' }
      expect(await bodyOf(await post(`v3/${subnet()}/query`, query))).toMatchObject({
        status: 'rejected',
        reject_code: 4,
        error_code: 'IC0406',
      })
    }
  })

  it('is not taken for another subnet', async () => {
    const create = toNobody({ method_name: 'create_canister' })
    expect((await post(`v4/subnet/${NOWHERE}/call`, create)).status).toBe(404)
  })
})

describe('a look at the state', () => {
  it('shows what became of a request at the canister that it went to', async () => {
    const [one = new Uint8Array(0), two = new Uint8Array(0)] = canisters
    const content = callContent({
      canister_id: one,
      method_name: 'inc',
      ingress_expiry: soon(),
      sender: identity.getPrincipal().toUint8Array(),
    })
    expect((await post(`v3/canister/${principalText(one)}/call`, content)).status).toBe(200)
    const id = clientRequestId(content)
    expect((await look(`canister/${principalText(one)}`, 'request_status', id)).status).toBe(200)
    expect((await look(`canister/${principalText(two)}`, 'request_status', id)).status).toBe(403)
    expect((await look(`subnet/${principalText(node.keys.subnetId)}`, 'request_status', id)).status).toBe(403)
  })

  it('is at paths of the interface, and no others', async () => {
    const id = new Uint8Array(32)
    const [own = new Uint8Array(0), other = new Uint8Array(0)] = canisters
    const { subnetId, nodeId } = node.keys
    const canister = `canister/${principalText(own)}`
    const subnet = `subnet/${principalText(subnetId)}`
    const good: [string, ...(string | Uint8Array)[]][] = [
      [canister, 'time'],
      [canister, 'request_status', id],
      [canister, 'request_status', id, 'reject_code'],
      [canister, 'canister', own, 'controllers'],
      [canister, 'canister', own, 'module_hash'],
      [canister, 'canister', own, 'canister_creation_timestamp'],
      [canister, 'canister', own, 'last_install_timestamp'],
      [canister, 'canister', own, 'metadata', ''],
      [canister, 'subnet'],
      [canister, 'subnet', subnetId],
      [canister, 'subnet', subnetId, 'type'],
      [canister, 'subnet', subnetId, 'node', nodeId, 'public_key'],
      [canister, 'api_boundary_nodes'],
      [canister, 'api_boundary_nodes', nodeId, 'domain'],
      [subnet, 'canister_ranges', subnetId],
      [subnet, 'subnet', subnetId, 'metrics'],
    ]
    const bad: [string, ...(string | Uint8Array)[]][] = [
      [canister],
      [canister, 'hello', 'world'],
      [canister, 'time', 'more'],
      [canister, 'request_status', ''],
      [canister, 'request_status', 'foo'],
      [canister, 'request_status', id, 'other'],
      [canister, 'canister', own],
      [canister, 'canister', other, 'controllers'],
      [canister, 'canister', own, 'certified_data'],
      [canister, 'canister', own, 'metadata'],
      [canister, 'canister', own, 'metadata', Uint8Array.of(0xe2, 0x28, 0xa1)],
      [canister, 'canister_ranges', subnetId],
      [canister, 'subnet', subnetId, 'metrics'],
      [canister, 'subnet', subnetId, 'other'],
      [canister, 'subnet', subnetId, 'node', nodeId, 'other'],
      [subnet, 'canister_ranges'],
      [subnet, 'canister', own, 'controllers'],
    ]
    for (const [where, ...path] of good) expect([path, (await look(where, ...path)).status]).toEqual([path, 200])
    for (const [where, ...path] of bad) expect([path, (await look(where, ...path)).status]).toEqual([path, 404])
  })
})

it('a query may be twice as large as an update', async () => {
  const [own = new Uint8Array(0)] = canisters
  const ask = (kind: 'call' | 'query', bytes: number) =>
    post(
      `v2/canister/${principalText(own)}/${kind}`,
      callContent({
        canister_id: own,
        request_type: kind,
        method_name: kind === 'call' ? 'inc' : 'get',
        arg: new Uint8Array(bytes),
        ingress_expiry: soon(),
      }),
    )
  expect((await ask('call', 2_000_000)).status).toBe(202)
  expect((await ask('call', 2_100_000)).status).toBe(413)
  expect((await ask('query', 4_100_000)).status).toBe(200)
  expect((await ask('query', 4_200_000)).status).toBe(413)
})

describe('a tool that looks for a subnet to make canisters on', () => {
  const DIRECTORY = 'rkp4c-7iaaa-aaaaa-aaaca-cai'

  const ask = async (canister: string, method: string): Promise<Record<string, unknown>> =>
    bodyOf(
      await post(
        `v3/canister/${canister}/query`,
        callContent({
          canister_id: principalFromText(canister),
          request_type: 'query',
          method_name: method,
          ingress_expiry: soon(),
        }),
      ),
    )

  it('is told that of the node, by the canister that knows subnets on every network of the IC', async () => {
    const subnets = encodeCandid([[{ vec: 'principal' }, [{ principal: node.keys.subnetId }]]])
    expect(await ask(DIRECTORY, 'get_default_subnets')).toMatchObject({ status: 'replied', reply: { arg: subnets } })
    const elsewhere = [await ask(DIRECTORY, 'notify_top_up'), await ask(NOWHERE, 'get_default_subnets')]
    for (const answer of elsewhere) expect(answer).toMatchObject({ status: 'rejected', error_code: 'IC0301' })
  })

  it('sees that users make canisters there by themselves', async () => {
    const [own = new Uint8Array(0)] = canisters
    const response = await look(`canister/${principalText(own)}`, 'subnet', node.keys.subnetId, 'type')
    const { certificate } = await bodyOf(response)
    const tree = Buffer.from(certificate as Uint8Array).toString('latin1')
    expect(tree).toContain('cloud_engine')
  })
})
