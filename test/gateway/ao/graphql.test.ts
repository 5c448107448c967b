import { describe, expect, test } from 'vitest'
import { BY_IDS, ask, ids, nodeWithProcess, node0, PAGE } from './ask-graphql.ts'
import { FakeNode, NODE_KEY } from './fake-node.ts'
import { pick } from './http-call.ts'
import { Sender } from './sender.ts'

/** Word for word what aoconnect sends. */
const GET_TRANSACTIONS = `
    query GetTransactions ($transactionIds: [ID!]!) {
      transactions(ids: $transactionIds) {
        edges { node { owner { address } tags { name value } block { id height timestamp } } }
      }
    }`

/** Word for word what the scheduler utilities send. */
const GET_SCHEDULER = `
    query GetSchedulerLocation ($owner: String!) {
      transactions (
        owners: [$owner]
        tags: [
          { name: "Data-Protocol", values: ["ao"] },
          { name: "Type", values: ["Scheduler-Location"] }
        ],
        # Only need the most recent Scheduler-Location
        sort: HEIGHT_DESC,
        first: 1
      ) { edges { node { tags { name value } } } }
    }`

describe('the gateway’s GraphQL', () => {
  test('finds a module, a process and a message by id', async () => {
    const { node, sender, module, process } = await nodeWithProcess()
    await using _ = node
    const message = await sender.message(process, 'hello', 'Content-Type', 'text/plain')
    const answer = await ask(node, BY_IDS, {
      transactionIds: [module, process, NODE_KEY, message],
    })
    expect(ids(answer)).toEqual([module, process, message])
    const asked = await ask(node, GET_TRANSACTIONS, { transactionIds: [message] })
    const { owner, tags, block } = answer.at('data', 'transactions', 'edges', 2, 'node') as Record<string, object>
    const { height, timestamp, id } = block as Record<string, unknown>
    const node2 = { owner: { address: pick(owner, ['address']) }, tags, block: { id, height, timestamp } }
    expect(asked.json).toEqual({ data: { transactions: { edges: [{ node: node2 }] } } })
    expect(answer.at(...node0, 'tags')).toEqual(expect.arrayContaining([{ name: 'Type', value: 'Module' }]))
    expect(answer.at(...node0, 'owner', 'address')).toBe(sender.signer.address)
    expect(answer.at('data', 'transactions', 'edges', 2, 'node')).toMatchObject({
      recipient: process,
      data: { size: '5', type: 'text/plain' },
      block: { height: 1_500_000, timestamp: 1_700_000_000 },
    })
  })

  test('says where the scheduler is, to whoever asks for its key', async () => {
    await using node = await FakeNode.open()
    const answer = await ask(node, GET_SCHEDULER, { owner: NODE_KEY })
    expect(answer.at(...node0, 'tags')).toEqual(
      expect.arrayContaining([
        { name: 'Url', value: `${node.url}/su` },
        { name: 'Time-To-Live', value: '3600000' },
      ]),
    )
    const found = `query ($owner: String!) { transactions(owners: [$owner], tags: { name: "Type", values: "Scheduler-Location" }) ${PAGE} }`
    const id = String(ids(await ask(node, found, { owner: NODE_KEY }))[0])
    expect(ids(await ask(node, BY_IDS, { transactionIds: [id] }))).toEqual([id])
    expect(ids(await ask(node, GET_SCHEDULER, { owner: 'x'.repeat(43) }))).toEqual([])
  })

  test('finds processes by name and owner, newest first', async () => {
    const { node, sender, module, process } = await nodeWithProcess()
    await using _ = node
    node.nowMs += 500_000
    const later = await sender.spawn(module, 'Name', 'one')
    await new Sender(node, 8).spawn(module, 'Name', 'one')
    const query = `query ($owners: [String!]!, $names: [String!]!, $first: Int = 10) { transactions(first: $first, owners: $owners,
      tags: [{ name: "Type", values: ["Process"] }, { name: "Name", values: $names }]) ${PAGE} }`
    const owners = [sender.signer.address]
    expect(ids(await ask(node, query, { owners, names: ['one'] }))).toEqual([later, process])
    expect(ids(await ask(node, query, { owners, names: ['one'], first: 1 }))).toEqual([later])
    expect(ids(await ask(node, query, { owners, names: ['two'] }))).toEqual([])
    const paged = `query ($after: String) { transactions(owners: "${owners[0]}", tags: {name: "Type", values: "Process"}, sort: HEIGHT_ASC, first: 1, after: $after) ${PAGE} }`
    const first = await ask(node, paged)
    expect([ids(first), first.at('data', 'transactions', 'pageInfo', 'hasNextPage')]).toEqual([[process], true])
    const second = await ask(node, paged, {
      after: first.at('data', 'transactions', 'edges', 0, 'cursor'),
    })
    expect([ids(second), second.at('data', 'transactions', 'pageInfo', 'hasNextPage')]).toEqual([[later], false])
  })

  test('finds modules by tags given as literals', async () => {
    const { node, module } = await nodeWithProcess()
    await using _ = node
    const query = `query { transactions(tags: [{name: "Type", values: ["Module"]}, {name: "Output-Encoding", values: ["JSON-1", "x"]}]) ${PAGE} }`
    expect(ids(await ask(node, query))).toEqual([module])
  })

  test('looks up one transaction, and says null for none', async () => {
    const { node, process } = await nodeWithProcess()
    await using _ = node
    expect((await ask(node, `{ transaction(id: "${process}") { id } }`)).at('data', 'transaction', 'id')).toBe(process)
    expect((await ask(node, `{ transaction(id: "${NODE_KEY}") { id } }`)).at('data', 'transaction')).toBeNull()
  })

  test('counts blocks from its clock', async () => {
    await using node = await FakeNode.open()
    node.nowMs = 1_700_000_000_000 + 10 * 120_000
    const query =
      'query ($min: Int, $max: Int) { blocks(height: { min: $min, max: $max }, first: 3, sort: HEIGHT_ASC) { pageInfo { hasNextPage } edges { cursor node { id height timestamp previous } } } }'
    const answer = await ask(node, query, { min: 1_500_001, max: 1_500_900 })
    expect(answer.at('data', 'blocks', 'pageInfo', 'hasNextPage')).toBe(true)
    expect(answer.at('data', 'blocks', 'edges', 0, 'node')).toMatchObject({
      height: 1_500_001,
      timestamp: 1_700_000_120,
    })
    const last = await ask(node, '{ blocks(first: 1) { pageInfo { hasNextPage } edges { node { height } } } }')
    expect(last.at('data', 'blocks', 'edges', 0, 'node', 'height')).toBe(1_500_010)
  })
})
