import { type Envelope, type ProcessId, toUtf8 } from '../../../protocol/index.ts'
import { tags } from '../../fakes/guest-context.ts'
import { FakeNode } from './fake-node.ts'
import { type Answer, pick, post } from './http-call.ts'
import { pushEnvelope, Sender } from './sender.ts'

export async function nodeWithProcess() {
  const node = await FakeNode.open()
  const sender = new Sender(node)
  const module = await sender.module()
  return { node, sender, module, process: await sender.spawn(module, 'Name', 'one') }
}

export function ask(node: FakeNode, query: string, variables?: object): Promise<Answer> {
  return post(`${node.url}/graphql`, { query, variables })
}

export function ids(answer: Answer): unknown[] {
  const edges = answer.at('data', 'transactions', 'edges')
  return Array.isArray(edges) ? edges.map(edge => pick(edge, ['node', 'id'])) : []
}

export function pushed(from: ProcessId, to: ProcessId, n: number): Envelope {
  return pushEnvelope(from, to, { kind: 'message', tags: tags('N', String(n)), data: toUtf8('hi'), anchor: undefined })
}

export const node0 = ['data', 'transactions', 'edges', 0, 'node'] as const

/** All that tests look at of a page. */
export const PAGE = `{ pageInfo { hasNextPage } edges { cursor node {
  id recipient anchor signature owner { address key } tags { name value } block { id height timestamp } data { size type } } } }`

export const BY_IDS = `query ($transactionIds: [ID!]!) { transactions(ids: $transactionIds) ${PAGE} }`
