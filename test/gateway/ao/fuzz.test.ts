import { seededDice } from '../../fakes/seeded-random.ts'
import { describe, expect, test } from 'vitest'
import { aoOutput, FakeNode, NODE_KEY } from './fake-node.ts'
import { call } from './http-call.ts'
import { Sender } from './sender.ts'

const METHODS = ['GET', 'POST', 'DELETE', 'HEAD', 'PUT', 'OPTIONS', 'PATCH']
const NAMES = [
  'process-id',
  'assign',
  'from',
  'to',
  'limit',
  'sort',
  'from-nonce',
  'to-nonce',
  'exclude',
  'base-layer',
  'target',
  'slot',
  'require-codec',
  'x',
]
const WORDS = [
  '{',
  '}',
  '[',
  ']',
  '(',
  ')',
  ':',
  '$',
  '"',
  '"a"',
  '"""',
  '\\',
  'transactions',
  'transaction',
  'blocks',
  'ids',
  'tags',
  'name',
  'values',
  'first',
  'owners',
  'height',
  '1',
  '-1e9',
  'query',
  'null',
  '#',
  '\n',
  '=',
  '__proto__',
]

describe('whatever is sent to the AO façade', () => {
  for (const seed of [1, 2, 3]) {
    test(`is never answered with 5xx (seed ${seed})`, { timeout: 180_000 }, async () => {
      await using node = await FakeNode.open()
      const sender = new Sender(node)
      const process = await sender.spawn(await sender.module())
      const item = await sender.item({ target: process, pairs: ['Type', 'Message'] })
      await sender.post(item)
      const roll = seededDice(seed)
      const pickOne = <T>(list: readonly T[]): T => list[roll(list.length)] as T
      const ids = [process, item.id, NODE_KEY, 'x', '', '%00', '%F0', '..', 'A'.repeat(43), '9'.repeat(20)]
      const fields = { device: 'patch@1.0', cache: { a: [1, null, { b: true }], __proto__: 'x' }, none: null }
      const patch = { Tags: Object.entries(fields).map(([name, value]) => ({ name, value })) }
      node.program = slot =>
        slot === 1 ? { output: aoOutput({ Messages: [patch, null, 'x', { Tags: 5 }] }) } : undefined
      const roots = [
        'mu',
        'su',
        'cu',
        'graphql',
        'raw',
        'push',
        '~meta@1.0',
        '~scheduler@1.0/schedule',
        '~scheduler@1.0/slot',
        process,
        `${process}~process@1.0`,
        `${process}~process@1.0/now`,
        `${process}/compute`,
      ]
      const steps = [
        'monitor',
        'result',
        'results',
        'cron',
        'state',
        'dry-run',
        'processes',
        'latest',
        'timestamp',
        'slot',
        'current',
        'compute',
        'results=1',
        'results=',
        'as=execution',
        'compute&a=b',
        'compute&slot=1',
        'push',
        'schedule',
        'now',
        'cache',
        'none',
        'body',
        '~json@1.0',
        'serialize~json@1.0',
        ...ids,
      ]
      const values = [
        '0',
        '1',
        '-1',
        '1.5',
        'NaN',
        '9'.repeat(30),
        'undefined',
        'ASC',
        'DESC',
        'application/json',
        'e30=',
        'bnVsbA==',
        '{}',
        '1700000000000',
        '1700000000000.1',
        '.',
        ...ids,
      ]
      for (let round = 0; round < 300; round++) {
        const path = [pickOne(roots), ...Array.from({ length: roll(4) }, () => pickOne(steps))].join('/')
        const query = Array.from(
          { length: roll(4) },
          () => `${pickOne(NAMES)}=${encodeURIComponent(pickOne(values))}`,
        ).join('&')
        const method = pickOne(METHODS)
        const hasBody = method !== 'GET' && method !== 'HEAD'
        const body = hasBody ? bodyFor(roll, pickOne, item.bytes) : null
        const answer = await call(`${node.url}/${path}?${query}`, { method, body })
        const what = `${method} /${path}?${query}`
        expect([what, answer.status < 500]).toEqual([what, true])
        if (answer.status >= 400 && method !== 'HEAD' && answer.text !== 'not AO') {
          expect([what, typeof answer.at('error')]).toEqual([what, 'string'])
        }
      }
      expect(node.troubles).toEqual([])
    })
  }
})

function bodyFor(roll: (max: number) => number, pickOne: <T>(list: readonly T[]) => T, item: Uint8Array): BodyInit {
  switch (roll(4)) {
    case 0: {
      const bytes = new Uint8Array(item)
      for (let i = 0; i < 1 + roll(4); i++) bytes[roll(bytes.length)] = roll(256)
      return bytes.slice(0, bytes.length - (roll(3) === 0 ? roll(bytes.length) : 0))
    }
    case 1:
      return JSON.stringify({
        query: Array.from({ length: roll(40) }, () => pickOne(WORDS)).join(' '),
        variables: pickOne([{}, null, { a: 1 }, [1]]),
      })
    case 2:
      return JSON.stringify({
        Tags: pickOne([[], [{}], [{ name: 'a', value: 1 }], 'x', null]),
        Data: pickOne(['x', 1, null, {}]),
        Timestamp: pickOne([1, 'x', '1e99']),
      })
    default:
      return Uint8Array.from({ length: roll(100) }, () => roll(256))
  }
}
