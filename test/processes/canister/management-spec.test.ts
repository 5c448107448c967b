import { createHash } from 'node:crypto'
import { IDL } from '@icp-sdk/core/candid'
import { expect, it } from 'vitest'
import {
  type CandidType,
  candidFields,
  type CandidValue,
  candidRecord,
  candidVariant,
  encodeCandid,
  principalOf,
  type ProcessId,
  toUtf8,
} from '../../../protocol/index.ts'
import { wat } from '../rewriter/wat.ts'
import { CanisterNet, managementArgument, user } from './canister-net.ts'
import { FORWARDER, forwarded } from './forwarder.ts'

const MANAGEMENT = new Uint8Array(0)

const record = (fields: Readonly<Record<string, readonly [CandidType, CandidValue]>>): Uint8Array => {
  const part = <T>(at: 0 | 1) => Object.fromEntries(Object.entries(fields).map(([name, pair]) => [name, pair[at] as T]))
  return encodeCandid([[{ record: candidFields(part<CandidType>(0)) }, candidRecord(part<CandidValue>(1))]])
}

/** What the management canister answers a canister: a reply, or the code of a reject. */
function asked(net: CanisterNet, caller: ProcessId, method: string, arg: Uint8Array): Uint8Array | number {
  const reply = net.ingress(caller, 'call', forwarded(MANAGEMENT, method, arg))?.reply
  if (reply === undefined) throw new Error('no answer')
  return reply.length === 1 ? (reply[0] ?? 0) : reply.slice()
}

function decoded(type: IDL.Type, bytes: Uint8Array | number | undefined): unknown {
  if (!(bytes instanceof Uint8Array)) throw new Error(`a reject: ${bytes}`)
  return IDL.decode([type], bytes.slice())[0]
}

it('a canister is told of its own subnet what all units know, and of no other', () => {
  const net = new CanisterNet()
  const canister = net.installed(FORWARDER)
  const [unit = ''] = net.member(canister).description.policy.schedulers
  const of = (subnet: Uint8Array) => record({ subnet_id: ['principal', { principal: subnet }] })
  const history = (subnet: Uint8Array) =>
    record({ subnet_id: ['principal', { principal: subnet }], start_at_timestamp_nanos: ['nat64', 0n] })
  const Info = IDL.Record({ replica_version: IDL.Text, registry_version: IDL.Nat64 })
  const Sample = IDL.Record({
    timestamp_nanos: IDL.Nat64,
    node_metrics: IDL.Vec(IDL.Record({ node_id: IDL.Principal, num_blocks_proposed_total: IDL.Nat64 })),
  })
  expect(decoded(Info, asked(net, canister, 'subnet_info', of(principalOf(unit))))).toEqual({
    replica_version: expect.stringMatching(/./),
    registry_version: expect.any(BigInt),
  })
  expect(decoded(IDL.Vec(Sample), asked(net, canister, 'node_metrics_history', history(principalOf(unit))))).toEqual([])
  expect(asked(net, canister, 'subnet_info', of(user(1)))).toBe(3)
  expect(asked(net, canister, 'node_metrics_history', history(user(1)))).toBe(3)
  expect(asked(net, canister, 'node_metrics_history', of(principalOf(unit)))).toBe(4)
  expect(net.replay(canister)).toBe(net.root(canister))
})

it('canisters are listed by no replicated call', () => {
  const net = new CanisterNet()
  expect(asked(net, net.installed(FORWARDER), 'list_canisters', encodeCandid([]))).toBe(5)
})

it('private metadata are told to a canister that controls the one that has them', () => {
  const net = new CanisterNet()
  const [controller, stranger] = [net.installed(FORWARDER), net.installed(FORWARDER)]
  const name = toUtf8('icp:private secret')
  const section = [0, name.length + 3, name.length, ...name, 7, 8]
  const canister = net.installed(Uint8Array.from([...wat('(module)'), ...section]))
  const controllers = [user(1), principalOf(controller)].map(principal => ({ principal }))
  const settings: readonly [CandidType, CandidValue] = [
    { record: candidFields({ controllers: { vec: 'principal' } }) },
    candidRecord({ controllers }),
  ]
  expect(net.manage(canister, 'update_settings', { settings })?.reply).toBeDefined()
  const wanted = managementArgument(canister, { name: ['text', 'secret'] })
  const Answer = IDL.Record({ value: IDL.Vec(IDL.Nat8) })
  expect(decoded(Answer, asked(net, controller, 'canister_metadata', wanted))).toEqual({ value: Uint8Array.of(7, 8) })
  expect(asked(net, stranger, 'canister_metadata', wanted)).toBe(4)
})

it('the history tells by a hash which environment a canister was made with', async () => {
  const net = new CanisterNet()
  const Variable: CandidType = { record: candidFields({ name: 'text', value: 'text' }) }
  const made = (environment: readonly (readonly [string, string])[] | undefined) => {
    const variables = environment?.map(([name, value]) => candidRecord({ name, value }))
    return net.create(user(1), candidRecord({ environment_variables: { opt: variables } }), {
      record: candidFields({ environment_variables: { opt: { vec: Variable } } }),
    })
  }
  const Info = IDL.Record({
    recent_changes: IDL.Vec(
      IDL.Record({
        details: IDL.Variant({
          creation: IDL.Record({
            controllers: IDL.Vec(IDL.Principal),
            environment_variables_hash: IDL.Opt(IDL.Vec(IDL.Nat8)),
          }),
        }),
      }),
    ),
  })
  const told = async (canister: ProcessId) => {
    const arg = managementArgument(canister, { num_requested_changes: ['nat64', 1n] })
    const { reply } = await net.query(canister, 'canister_info', arg, user(2), { 'Canister-Query': 'management' })
    const info = decoded(Info, reply) as { recent_changes: { details: { creation: Record<string, unknown> } }[] }
    return info.recent_changes[0]?.details.creation['environment_variables_hash']
  }
  const sha256 = (...parts: readonly (string | Uint8Array)[]): Buffer => {
    const hash = createHash('sha256')
    for (const part of parts) hash.update(part)
    return hash.digest()
  }
  const rows = [
    ['stage', 'test'],
    ['owner', 'me'],
  ].map(([name = '', value = '']) => Buffer.concat([sha256(name), sha256(value)]))
  const hash = sha256(...rows.sort(Buffer.compare))
  const canister = made([
    ['stage', 'test'],
    ['owner', 'me'],
  ])
  expect(await told(canister)).toEqual([new Uint8Array(hash)])
  expect(await told(made([]))).toEqual([new Uint8Array(sha256())])
  expect(await told(made(undefined))).toEqual([])
  expect(net.replay(canister)).toBe(net.root(canister))
})

it('what must not be asked for twice is asked for by one node, or not at all', () => {
  const net = new CanisterNet()
  const canister = net.installed(FORWARDER)
  const methods: string[] = []
  net.effects['http.fetch'] = input => {
    methods.push((input as { method: string }).method)
    return { status: 200, headers: {}, body: '' }
  }
  const request = (method: string, isReplicated: boolean | undefined) =>
    record({
      url: ['text', 'https://example.test/'],
      method: [{ variant: candidFields({ [method]: 'null' }) }, candidVariant(method)],
      is_replicated: [{ opt: 'bool' }, { opt: isReplicated }],
    })
  for (const method of ['put', 'delete', 'patch']) {
    expect(asked(net, canister, 'http_request', request(method, undefined))).toBe(4)
    expect(asked(net, canister, 'http_request', request(method, true))).toBe(4)
    expect(asked(net, canister, 'http_request', request(method, false))).toBeInstanceOf(Uint8Array)
  }
  expect(asked(net, canister, 'http_request', request('get', undefined))).toBeInstanceOf(Uint8Array)
  expect(methods).toEqual(['PUT', 'DELETE', 'PATCH', 'GET'])
})
