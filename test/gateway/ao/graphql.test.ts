import { describe, expect, test } from 'vitest'
import { messagesTo } from '../../../gateway/ao/messages-to.ts'
import { SearchBudget } from '../../../gateway/ao/search-budget.ts'
import { withOverrides } from '../../../node/with-overrides.ts'
import {
  asProcessId,
  type Envelope,
  envelopeId,
  Failure,
  GRAPHQL_BYTES_READ_MAX,
  GRAPHQL_FEEDS_LOOKED_AT_MAX,
  GRAPHQL_ITEMS_READ_MAX,
  type Log,
  type ProcessId,
  toUtf8,
} from '../../../protocol/index.ts'
import { tags } from '../../fakes/guest-context.ts'
import { FakeNode, NODE_KEY } from './fake-node.ts'
import { type Answer, call, pick, post } from './http-call.ts'
import { pushEnvelope, Sender } from './sender.ts'

async function nodeWithProcess() {
  const node = await FakeNode.open()
  const sender = new Sender(node)
  const module = await sender.module()
  return { node, sender, module, process: await sender.spawn(module, 'Name', 'one') }
}

function ask(node: FakeNode, query: string, variables?: object): Promise<Answer> {
  return post(`${node.url}/graphql`, { query, variables })
}

function ids(answer: Answer): unknown[] {
  const edges = answer.at('data', 'transactions', 'edges')
  return Array.isArray(edges) ? edges.map(edge => pick(edge, ['node', 'id'])) : []
}

function pushed(from: ProcessId, to: ProcessId, n: number): Envelope {
  return pushEnvelope(from, to, { kind: 'message', tags: tags('N', String(n)), data: toUtf8('hi'), anchor: undefined })
}

const node0 = ['data', 'transactions', 'edges', 0, 'node'] as const

/** All that tests look at of a page. */
const PAGE = `{ pageInfo { hasNextPage } edges { cursor node {
  id recipient anchor signature owner { address key } tags { name value } block { id height timestamp } data { size type } } } }`

const BY_IDS = `query ($transactionIds: [ID!]!) { transactions(ids: $transactionIds) ${PAGE} }`

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

  test('finds messages by the processes they were sent to, newest first, page by page', async () => {
    const { node, sender, module, process } = await nodeWithProcess()
    await using _ = node
    const other = await sender.spawn(module, 'Name', 'two')
    const sent: string[] = []
    for (const [to, action] of [
      [process, 'A'],
      [other, 'A'],
      [other, 'B'],
      [process, 'A'],
    ] as const) {
      node.nowMs += 1000
      sent.push(await sender.message(to, ' ', 'Action', action))
    }
    node.nowMs += 1000
    const push = pushEnvelope(other, process, {
      kind: 'message',
      tags: tags('Action', 'A'),
      data: toUtf8('hi'),
      anchor: undefined,
    })
    await node.write(process, push)
    const pushed = envelopeId(push, process, 3)
    const query = `query ($to: [String!], $tags: [TagFilter!], $sort: SortOrder, $first: Int, $after: String) {
      transactions(recipients: $to, tags: $tags, sort: $sort, first: $first, after: $after) ${PAGE} }`
    const [a, b, c, d] = sent
    const both = [process, other]
    expect(ids(await ask(node, query, { to: [process] }))).toEqual([pushed, d, a])
    expect(ids(await ask(node, query, { to: both }))).toEqual([pushed, d, c, b, a])
    expect(ids(await ask(node, query, { to: both, sort: 'HEIGHT_ASC' }))).toEqual([a, b, c, d, pushed])
    const isA = [{ name: 'Action', values: ['A'] }]
    expect(ids(await ask(node, query, { to: both, tags: isA }))).toEqual([pushed, d, b, a])
    const fromOther = [{ name: 'From-Process', values: [other] }]
    expect(ids(await ask(node, query, { to: both, tags: fromOther }))).toEqual([pushed])
    expect(ids(await ask(node, query, { to: [module, 'x', sender.signer.address] }))).toEqual([])
    for (const [sort, all] of [
      ['HEIGHT_DESC', [pushed, d, c, b, a]],
      ['HEIGHT_ASC', [a, b, c, d, pushed]],
    ] as const) {
      const seen: unknown[] = []
      for (let after: unknown, more: unknown = true; more === true; after = seen.at(-1)) {
        const page = await ask(node, query, { to: both, sort, first: 2, after })
        more = page.at('data', 'transactions', 'pageInfo', 'hasNextPage')
        expect(ids(page).length).toBeGreaterThan(0)
        seen.push(...ids(page))
      }
      expect(seen).toEqual(all)
    }
  })

  test('finds messages by their senders and tags, wherever they were sent', async () => {
    const { node, sender, module, process } = await nodeWithProcess()
    await using _ = node
    const other = await sender.spawn(module, 'Name', 'two')
    const stranger = new Sender(node, 8)
    const sent: string[] = []
    for (const [by, to, action] of [
      [sender, process, 'A'],
      [stranger, other, 'A'],
      [sender, other, 'B'],
    ] as const) {
      node.nowMs += 1000
      sent.push(await by.message(to, ' ', 'Action', action))
    }
    const [a, b, c] = sent
    const query = `query ($owners: [String!], $tags: [TagFilter!], $first: Int, $after: String) {
      transactions(owners: $owners, tags: $tags, first: $first, after: $after) ${PAGE} }`
    const owners = [sender.signer.address]
    const isMessage = { name: 'Type', values: ['Message'] }
    const isA = { name: 'Action', values: ['A'] }
    expect(ids(await ask(node, query, { tags: [isMessage] }))).toEqual([c, b, a])
    expect(ids(await ask(node, query, { tags: [isMessage, isA] }))).toEqual([b, a])
    expect(ids(await ask(node, query, { tags: [isMessage], owners }))).toEqual([c, a])
    expect(ids(await ask(node, query, { tags: [isMessage], first: 1, after: c }))).toEqual([b])
    expect(ids(await ask(node, query, { tags: [isA] }))).toEqual([b, a])
    expect(ids(await ask(node, query, { tags: [isA], owners, first: 1 }))).toEqual([a])
    expect(new Set(ids(await ask(node, query, { owners })))).toEqual(new Set([c, a, process, other, module]))
  })

  test('does not look for messages in all of very many processes', async () => {
    const { node, sender, module, process } = await nodeWithProcess()
    await using _ = node
    const message = await sender.message(process)
    for (let n = 1; n < GRAPHQL_FEEDS_LOOKED_AT_MAX; n++) await sender.spawn(module, 'Name', 'more')
    const find = (type: string) =>
      ask(node, `{ transactions(tags: [{ name: "SDK", values: "x" }, { name: "Type", values: [${type}] }]) ${PAGE} }`)
    expect((await find('"Message"')).status).toBe(200)
    await sender.spawn(module, 'Name', 'more')
    for (const type of ['"Message"', '"Message", "Process"', '']) {
      const answer = await find(type)
      expect([answer.status, answer.at('error')]).toEqual([400, expect.stringContaining('many processes')])
    }
    expect((await find('"Process", "Module"')).status).toBe(200)
    expect(ids(await ask(node, `{ transactions(recipients: "${process}") ${PAGE} }`))).toEqual([message])
  })

  test('asks nobody else but for ids and recipients', async () => {
    const reads: string[] = []
    await using node = await FakeNode.open(log => ({
      log: withOverrides<Log>(log, {
        length: async feed => {
          reads.push(feed.process)
          throw new Failure('feed-frozen')
        },
        block: async () => {
          throw new Failure('feed-frozen')
        },
      }),
    }))
    const sender = new Sender(node)
    const process = await sender.spawn(await sender.module(), 'Name', 'one')
    const message = await sender.message(process)
    expect(ids(await ask(node, `{ transactions(tags: { name: "Type", values: "Message" }) ${PAGE} }`))).toEqual([
      message,
    ])
    expect(ids(await ask(node, `{ transactions(tags: { name: "Type", values: "Process" }) ${PAGE} }`))).toEqual([
      process,
    ])
    expect(reads).toEqual([])
    expect(ids(await ask(node, `{ transactions(recipients: "${process}") ${PAGE} }`))).toEqual([message])
    expect(reads).toEqual([process])
  })

  test('leaves out a message whose sender nobody describes', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    const stranger = asProcessId('s'.repeat(43))
    await node.write(process, pushed(stranger, process, 0))
    const message = await sender.message(process)
    for (const asked of ['tags: { name: "Type", values: "Message" }', `recipients: "${process}"`]) {
      const answer = await ask(node, `{ transactions(${asked}) ${PAGE} }`)
      expect([asked, answer.status, ids(answer)]).toEqual([asked, 200, [message]])
    }
  })

  test('sorts and pages what it finds without a type, however much there is', async () => {
    const { node, module, process } = await nodeWithProcess()
    await using _ = node
    const sent: string[] = []
    while (sent.length < 2_100) {
      node.nowMs += 1000
      const frame = Array.from({ length: 100 }, (_, at) => pushed(process, process, sent.length + at))
      const { slot } = await node.write(process, ...frame)
      sent.push(...frame.map((envelope, at) => envelopeId(envelope, process, slot + at)))
    }
    const all = [module, process, ...sent]
    const page = (sort: string, after: string | undefined, first = 3) =>
      ask(
        node,
        `query ($after: String) { transactions(tags: { name: "Data-Protocol", values: "ao" }, sort: ${sort}, first: ${first}, after: $after) ${PAGE} }`,
        { after },
      )
    const location = ids(await page('HEIGHT_ASC', undefined, 2)).find(id => id !== module)
    const ascending = [...ids(await page('HEIGHT_ASC', undefined, 2)), ...all.slice(1)]
    expect(new Set(ascending)).toEqual(new Set([location, ...all]))
    for (const [sort, order] of [
      ['HEIGHT_ASC', ascending],
      ['HEIGHT_DESC', ascending.toReversed()],
    ] as const) {
      for (const start of [0, 1, 2, 3, 1_050, order.length - 4, order.length - 3, order.length - 2]) {
        const answer = await page(sort, start === 0 ? undefined : String(order[start - 1]))
        expect([sort, start, ids(answer)]).toEqual([sort, start, order.slice(start, start + 3)])
        expect(answer.at('data', 'transactions', 'pageInfo', 'hasNextPage')).toBe(start + 3 < order.length)
      }
    }
    expect((await page('HEIGHT_ASC', 'x'.repeat(43))).status).toBe(400)
  })

  test('says so when there is more than a request looks through, whatever it asks for', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    const message = await sender.message(process, ' ', 'Action', 'Seldom')
    const ticks: Envelope[] = Array.from({ length: 1_000 }, () => ({ kind: 'tick', timer: toUtf8('t'), dueMs: 1 }))
    for (let n = 0; n < GRAPHQL_ITEMS_READ_MAX / 2; n += ticks.length) await node.write(process, ...ticks)
    const find = (name: string, sort = 'HEIGHT_DESC') =>
      `${name}: transactions(recipients: "${process}", tags: { name: "Action", values: "Seldom" }, sort: ${sort}) ${PAGE}`
    expect(ids(await ask(node, `{ ${find('transactions')} }`))).toEqual([message])
    expect((await ask(node, `{ ${find('a')} ${find('b')} }`)).at('error')).toContain('more here than one request')
    const other = await ask(node, `{ ${find('a')} ${find('b', 'HEIGHT_ASC')} }`)
    expect(other.at('data', 'a', 'pageInfo', 'hasNextPage')).toBe(false)
    expect(other.at('data', 'b')).toMatchObject({ pageInfo: { hasNextPage: true }, edges: [{ cursor: message }] })
  })

  test('bounds the bytes that one request reads, and holds none of them', async () => {
    const { node, process } = await nodeWithProcess()
    await using _ = node
    for (let n = 0; n < 3; n++) await node.write(process, pushed(process, process, n))
    const budget = new SearchBudget(new AbortController().signal)
    const wanted = { ascending: true, start: undefined, count: 1, fits: () => true }
    const look = async () =>
      messagesTo({ feeds: node.log, senders: node.log }, [await node.description(process)], wanted, budget)
    const { matches } = await look()
    expect(matches).toMatchObject([{ node: { data: { size: '2' } } }])
    expect(matches).toEqual(JSON.parse(JSON.stringify(matches)))
    budget.takeBytes(GRAPHQL_BYTES_READ_MAX)
    await expect(look()).rejects.toMatchObject({ code: 'malformed-request' })
  })

  test('stops looking when the client has gone', async () => {
    const gone = new AbortController()
    await using node = await FakeNode.open()
    const sender = new Sender(node)
    const process = await sender.spawn(await sender.module())
    for (let n = 0; n < 100; n++) await node.write(process, pushed(process, process, n))
    let looks = 0
    const fits = () => {
      if (++looks === 10) gone.abort(new Failure('aborted'))
      return false
    }
    const found = messagesTo(
      { feeds: node.log, senders: node.log },
      [await node.description(process)],
      { ascending: true, start: undefined, count: 1, fits },
      new SearchBudget(gone.signal),
    )
    await expect(found).rejects.toMatchObject({ code: 'aborted' })
    expect(looks).toBe(10)
  })

  test('pages through messages of one moment, each once', async () => {
    const { node, sender, module, process } = await nodeWithProcess()
    await using _ = node
    const to = [process, await sender.spawn(module, 'Name', 'two'), await sender.spawn(module, 'Name', 'three')]
    const sent = new Set<unknown>()
    for (const process of [...to, ...to]) sent.add(await sender.message(process))
    for (const sort of ['HEIGHT_ASC', 'HEIGHT_DESC']) {
      const seen: unknown[] = []
      for (let more: unknown = true; more === true; ) {
        const after = seen.length === 0 ? '' : `, after: "${seen.at(-1)}"`
        const recipients = JSON.stringify(to)
        const page = await ask(
          node,
          `{ transactions(recipients: ${recipients}, sort: ${sort}, first: 1${after}) ${PAGE} }`,
        )
        more = page.at('data', 'transactions', 'pageInfo', 'hasNextPage')
        seen.push(...ids(page))
      }
      expect([seen.length, new Set(seen)]).toEqual([sent.size, sent])
    }
  })

  test('finds what stands in some blocks only', async () => {
    const { node, sender, module, process } = await nodeWithProcess()
    await using _ = node
    const sent = [await sender.message(process)]
    node.nowMs += 120_000
    const later = await sender.spawn(module, 'Name', 'two')
    sent.push(await sender.message(process))
    const messages = (block: string) => ask(node, `{ transactions(recipients: "${process}", block: ${block}) ${PAGE} }`)
    const types = 'tags: [{ name: "Type", values: ["Process", "Module"] }]'
    const others = (block: string) => ask(node, `{ transactions(${types}, block: ${block}) ${PAGE} }`)
    expect(ids(await messages('{ min: 1500001 }'))).toEqual([sent[1]])
    expect(ids(await messages('{ max: 1500000 }'))).toEqual([sent[0]])
    expect(ids(await messages('{ min: 1500002, max: 1600000 }'))).toEqual([])
    expect(ids(await others('{ min: 1500001 }'))).toEqual([later])
    expect(ids(await others('{ min: 1500000, max: 1500000 }'))).toEqual([process])
    const known = `{ transactions(ids: ["${process}", "${later}"], block: { min: 1500001 }) ${PAGE} }`
    expect(ids(await ask(node, known))).toEqual([later])
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

  test('refuses what it does not understand with 400', async () => {
    await using node = await FakeNode.open()
    const deep = '['.repeat(50_000)
    const bad = [
      '{ __schema { types { name } } }',
      '{ transactions(ids: "a" }',
      '{ transactions(ids: [) }',
      `{ transactions(ids: [1]) ${PAGE} }`,
      `{ transactions(first: -1) ${PAGE} }`,
      `{ transactions(first: "x") ${PAGE} }`,
      `{ transactions(tags: "x") ${PAGE} }`,
      `{ transactions(tags: [{values: "x"}]) ${PAGE} }`,
      `{ transactions(ids: ${deep}) }`,
      `{ transactions(ids: ${'['.repeat(2000)}${']'.repeat(2000)}) }`,
      '{ transactions(ids: "unfinished) }',
      `{ transactions(ids: [${'"a",'.repeat(101)}]) ${PAGE} }`,
      `{ transactions(recipients: [${'"a",'.repeat(101)}]) ${PAGE} }`,
      '€',
      '',
    ]
    for (const query of bad) {
      const answer = await ask(node, query)
      expect([query.slice(0, 60), answer.status]).toEqual([query.slice(0, 60), 400])
      expect(answer.at('error')).toEqual(expect.any(String))
    }
    for (const body of ['', 'null', '[]', '{"query":1}', '{"query":"{ transactions }","variables":3}']) {
      expect([body, (await post(`${node.url}/graphql`, body)).status]).toEqual([body, 400])
    }
    expect((await post(`${node.url}/graphql/x`, {})).status).toBe(404)
  })

  test('does not take words inside texts for questions', async () => {
    const { node, process } = await nodeWithProcess()
    await using _ = node
    const query = `query { # transactions(first: "x")
      a: transaction(id: "${process}") { id } b(x: "transactions(first: 1") { id } }`
    expect((await ask(node, query)).at('data', 'a', 'id')).toBe(process)
  })

  test('gives what is selected, under the names asked for, fragments and types among it', async () => {
    const { node, module, process } = await nodeWithProcess()
    await using _ = node
    const query = `query ($ids: [ID!]!) {
      list: transactions(ids: $ids) {
        __typename
        edges { node { ...Named ... on Transaction { by: owner { address __typename } } ... @include(if: true) { parent { id } } count } }
      }
      none: transaction(id: "x") { id }
    }
    fragment Named on Transaction { name: id tags { value } }`
    const answer = await ask(node, query, { ids: [process] })
    const owner = answer.at('data', 'list', 'edges', 0, 'node', 'by', 'address')
    expect(owner).toMatch(/^[\w-]{43}$/)
    expect(answer.at('data')).toEqual({
      list: {
        __typename: 'TransactionConnection',
        edges: [
          {
            node: {
              name: process,
              tags: expect.arrayContaining([{ value: module }, { value: 'one' }]) as unknown,
              by: { address: owner, __typename: 'Owner' },
              parent: null,
              count: null,
            },
          },
        ],
      },
      none: null,
    })
    for (const bad of ['{ transactions { edges { ...', '{ transactions { edges { node: } } }', 'fragment { id }'])
      expect([bad, (await ask(node, bad)).status]).toEqual([bad, 400])
  })

  test('counts what fragments stand for, wherever they are named, and refuses what has no end', async () => {
    await using node = await FakeNode.open()
    const named = (count: number, what: string) => Array.from({ length: count }, (_, i) => `a${i}: ${what}`).join(' ')
    const fragments = `fragment B on BlockConnection { ${named(4, 'edges { ...E }')} }
      fragment E on BlockEdge { ${named(4, 'node { ...N }')} }
      fragment N on Block { ${named(4, 'id')} }`
    const doubled = Array.from(
      { length: 26 },
      (_, i) => `fragment F${i} on BlockConnection { ...F${i + 1} ...F${i + 1} }`,
    )
    const refused: unknown = expect.stringContaining('at most 512 fields')
    const tooMuch = [
      `{ ${named(10, 'blocks(first: 1) { ...B }')} } ${fragments}`,
      `{ blocks { ${named(513, 'pageInfo')} } }`,
      '{ blocks { ...A } } fragment A on BlockConnection { ...A }',
      '{ ...A } fragment A on Query { ...B ... on Query { ...B } } fragment B on Query { ...A }',
      `{ blocks { ...F0 } } ${doubled.join(' ')} fragment F26 on BlockConnection { edges }`,
    ]
    for (const query of tooMuch) {
      const { status, json } = await ask(node, query)
      expect([query.slice(0, 60), status, json]).toEqual([
        query.slice(0, 60),
        400,
        expect.objectContaining({ error: refused }),
      ])
    }
    expect((await ask(node, `{ blocks(first: 1) { ...B } } ${fragments}`)).status).toBe(200)
    const endless = await ask(node, '{ blocks { edges { node { ...N } } } } fragment N on Block { block { ...N } }')
    expect([endless.status, endless.at('error')]).toEqual([400, expect.stringContaining('at most 8 deep')])
  })

  test('bounds what it answers, however often a whole node is asked for', async () => {
    await using node = await FakeNode.open()
    node.nowMs += 100 * 120_000
    const times = (count: number) =>
      `{ blocks(first: 100) { ${Array.from({ length: count }, (_, i) => `a${i}: edges`).join(' ')} } }`
    expect((await ask(node, times(2))).at('data', 'blocks', 'a1')).toHaveLength(100)
    const answer = await ask(node, times(500))
    expect([answer.status, answer.at('error')]).toEqual([400, expect.stringContaining('fewer fields')])
  })

  test('takes fields of one name for one, with all that is selected inside of them', async () => {
    const { node, module, process } = await nodeWithProcess()
    await using _ = node
    const query = `query ($id: ID!) {
      transactions(ids: [$id]) { edges { node { id } ...F } }
      transactions(ids: [$id]) { edges { cursor } }
    }
    fragment F on TransactionEdge { node { tags { name } } node { tags { value } } }`
    expect((await ask(node, query, { id: process })).at('data', 'transactions', 'edges')).toEqual([
      {
        cursor: process,
        node: { id: process, tags: expect.arrayContaining([{ name: 'Module', value: module }]) as unknown },
      },
    ])
    for (const two of [
      'a: transaction(id: "x") { id } a: transaction(id: "y") { id }',
      'blocks { a: edges a: pageInfo }',
    ]) {
      const answer = await ask(node, `{ ${two} }`)
      expect([answer.status, answer.at('error')]).toEqual([400, expect.stringContaining('a is asked for twice')])
    }
  })

  test('takes questions out of fragments', async () => {
    const { node, process } = await nodeWithProcess()
    await using _ = node
    const query = `fragment Q on Query { one: transaction(id: $id) { id } ...P }
    query ($id: ID = "${process}") { ...Q ... on Query { blocks(first: 1) { edges { node { height } } } } }
    fragment P on Query { two: transactions(ids: [$id]) { edges { node { id } } } }`
    expect((await ask(node, query)).at('data')).toEqual({
      one: { id: process },
      two: { edges: [{ node: { id: process } }] },
      blocks: { edges: [{ node: { height: 1_500_000 } }] },
    })
    expect((await ask(node, '{ ...Q }')).at('error')).toContain('no fragment Q')
    const many = Array.from({ length: 11 }, (_, i) => `a${i}: blocks { id }`).join(' ')
    expect((await ask(node, `{ ...Q } fragment Q on Query { ${many} }`)).status).toBe(400)
  })

  test('answers several questions, each under its name', async () => {
    const { node, module, process } = await nodeWithProcess()
    await using _ = node
    const query = `query transactions ($id: ID!) {
      transaction(id: $id) { id block { height } }
      module: transactions(ids: ["${module}"]) { edges { node { id } } }
      blocks(first: 1) { edges { node { height } } }
    }`
    expect((await ask(node, query, { id: process })).at('data')).toMatchObject({
      transaction: { id: process },
      module: { edges: [{ node: { id: module } }] },
      blocks: { edges: [{ node: { height: 1_500_000 } }] },
    })
    const misleading = `query ($id: ID!) { transactions: blocks(first: 1) { edges { node { height } } } x(transactions: 5, blocks: $id) { id }
      blocks: transaction(id: $id) @include(if: true) { transactions: id } }`
    const answer = await ask(node, misleading, { id: process })
    expect(answer.at('data', 'transactions', 'edges', 0, 'node', 'height')).toBe(1_500_000)
    expect(answer.at('data', 'blocks')).toEqual({ transactions: process })
    const many = `{ ${Array.from({ length: 11 }, (_, i) => `a${i}: blocks { id }`).join(' ')} }`
    expect((await ask(node, many)).status).toBe(400)
  })
})

describe('data of items', () => {
  test('is served raw and with tags as headers', async () => {
    const { node, sender, module, process } = await nodeWithProcess()
    await using _ = node
    const id = await sender.message(
      process,
      '<b>hi</b>',
      'Content-Type',
      'text/html',
      'Set-Cookie',
      'a=b',
      'Action',
      'Greet',
    )
    const raw = await call(`${node.url}/raw/${id}`)
    expect([raw.text, raw.headers.get('content-type')]).toEqual(['<b>hi</b>', 'text/html'])
    expect(raw.headers.get('action')).toBeNull()
    const tagged = await call(`${node.url}/${id}`)
    expect(tagged.headers.get('action')).toBe('Greet')
    expect(tagged.headers.get('type')).toBe('Message')
    expect(tagged.headers.get('set-cookie')).toBeNull()
    const head = await call(`${node.url}/${module}`, { method: 'HEAD' })
    expect([head.status, head.text, head.headers.get('type')]).toEqual([200, '', 'Module'])
  })

  test('gets neither scripts nor this origin in a browser', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    const id = await sender.message(process, '<script>1</script>', 'Content-Type', 'text/html\r\nx: y')
    const { headers } = await call(`${node.url}/${id}`)
    expect(headers.get('content-security-policy')).toContain('sandbox')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-type')).toBe('application/octet-stream')
    expect(headers.get('x')).toBeNull()
  })
})
