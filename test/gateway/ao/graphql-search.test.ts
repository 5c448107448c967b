import { describe, expect, test } from 'vitest'
import { messagesTo } from '../../../gateway/ao/graphql/messages-to.ts'
import { SearchBudget } from '../../../gateway/ao/graphql/search-budget.ts'
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
  toUtf8,
} from '../../../protocol/index.ts'
import { tags } from '../../fakes/guest-context.ts'
import { ask, ids, nodeWithProcess, PAGE, pushed } from './ask-graphql.ts'
import { FakeNode } from './fake-node.ts'
import { pushEnvelope, Sender } from './sender.ts'

describe('a search of the gateway’s GraphQL', () => {
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
})
