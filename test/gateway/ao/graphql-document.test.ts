import { describe, expect, test } from 'vitest'
import { ask, nodeWithProcess, PAGE } from './ask-graphql.ts'
import { FakeNode } from './fake-node.ts'
import { post } from './http-call.ts'

describe('a document of GraphQL', () => {
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
      '{ a: transaction(id: "x") { id } a: transaction(id: "y") { id } }',
      '{ blocks { a: edges a: pageInfo } }',
      // As they are written: values of variables may be long, and are not compared.
      'query ($x: ID = "x", $y: ID = "x") { a: transaction(id: $x) { id } a: transaction(id: $y) { id } }',
    ]) {
      const answer = await ask(node, two)
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

  test('asks for the operation that is named', async () => {
    const { node, module, process } = await nodeWithProcess()
    await using _ = node
    const query = `query One($id: ID = "${module}") { ...F } query Two($id: ID = "${process}") { ...F }
      fragment F on Query { transaction(id: $id) { id } }`
    const answerTo = (operationName?: unknown) => post(`${node.url}/graphql`, { query, operationName })
    expect((await answerTo('One')).at('data')).toEqual({ transaction: { id: module } })
    expect((await answerTo('Two')).at('data')).toEqual({ transaction: { id: process } })
    for (const name of [undefined, 'Three', 3]) expect((await answerTo(name)).status).toBe(400)
    expect(
      (await post(`${node.url}/graphql`, { query: '{ blocks(first: 1) { edges } }', operationName: null })).status,
    ).toBe(200)
    expect((await ask(node, 'mutation { transaction(id: "x") { id } }')).at('error')).toContain('only queries')
  })

  test('leaves out what directives exclude', async () => {
    const { node, process } = await nodeWithProcess()
    await using _ = node
    const query = `query ($full: Boolean! = false, $id: ID) {
      transaction(id: $id) { id recipient @include(if: $full) ...F @skip(if: $full) ... @include(if: $full) { anchor } }
      blocks(first: 1) @skip(if: true) { edges { node { id } } }
    } fragment F on Transaction { signature @include(if: true) @skip(if: true) owner @client { address } }`
    const brief = (await ask(node, query, { id: process })).at('data')
    expect(brief).toEqual({ transaction: { id: process, owner: { address: expect.any(String) } } })
    const full = (await ask(node, query, { id: process, full: true })).at('data')
    expect(full).toEqual({ transaction: { id: process, recipient: expect.any(String), anchor: expect.any(String) } })
    expect((await ask(node, query, { id: process, full: 'yes' })).at('error')).toContain('@include takes true or false')
  })
})
