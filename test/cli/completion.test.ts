import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { BASH_COMPLETION } from '../../cli/completion/bash.ts'
import { type Candidate, candidates, isInert } from '../../cli/completion/candidates.ts'
import { firstCall } from '../../cli/showing/words-to-type.ts'
import { sampleValue } from '../../cli/completion/sample-value.ts'
import { COMMANDS } from '../../cli/commands.ts'
import { COMMON_OPTIONS } from '../../cli/words/common-options.ts'
import { Failure, type InterfaceDescription } from '../../protocol/index.ts'
import type { Client } from '../../sdk/index.ts'

const words = (...values: readonly string[]): Candidate[] => values.map(value => ({ value, about: '' }))
const lookup = {
  positional: async (name: string, before: readonly string[]) =>
    name === 'process' ? words('hits', 'ledger') : words(`${name}-after-${before.join('+')}`),
  identities: async () => words('alice', 'default'),
}
const complete = async (...line: readonly string[]): Promise<string[]> =>
  (await candidates(line, { commands: COMMANDS, commonOptions: COMMON_OPTIONS }, lookup)).map(({ value }) => value)

describe('what could stand next on a command line', () => {
  it('is a command at first, a family of commands once', async () => {
    expect(await complete('s')).toEqual(expect.arrayContaining(['spawn', 'send']))
    expect((await complete('')).filter(word => word === 'process')).toHaveLength(1)
    expect(await complete('process', 'sh')).toEqual(['show'])
    expect(await complete('nonsense', '')).toEqual([])
  })

  it('is an option, and a value that the option takes', async () => {
    expect(await complete('send', '--act')).toEqual(['--action'])
    expect(await complete('send', 'hits', '-o', '')).toEqual(['text', 'json', 'ndjson'])
    expect(await complete('send', 'hits', '--output', 'nd')).toEqual(['ndjson'])
    expect(await complete('send', '-i', 'a')).toEqual(['alice'])
    expect(await complete('send', '--action', '')).toEqual([])
  })

  it('is what stands for a positional, options before it notwithstanding', async () => {
    expect(await complete('send', 'h')).toEqual(['hits'])
    expect(await complete('process', 'show', '')).toEqual(['hits', 'ledger'])
    expect(await complete('send', '-o', 'json', 'l')).toEqual(['ledger'])
    expect(await complete('send', 'hits', '')).toEqual(['message-after-hits'])
    expect(await complete('call', 'hits', 'add', '')).toEqual(['json-after-hits+add'])
    expect(await complete('call', 'hits', 'add', '{}', '')).toEqual([])
  })
})

describe('a word that a shell is offered', () => {
  it('holds nothing that a shell would carry out', () => {
    for (const word of [
      'hits',
      'my-room',
      'a/b.wasm',
      'grün',
      '日本',
      '--url',
      `'{"by":1,"to":["a"]}'`,
      'k=v',
      '-tDHoj1Hpujh1dkj1MxkXdykVYa2NvtOJ9w9E3YM58A',
    ]) {
      expect(isInert(word), word).toBe(true)
    }
    for (const word of [
      '$(touch x)',
      '`x`',
      'a;b',
      'a b',
      "a'b",
      'a"b',
      'a\\b',
      '{a,b}',
      '*',
      'a|b',
      'a>b',
      '~',
      'a\nb',
      '!1',
      `'{"a":"'$(x)'"}'`,
      `'{"a":"$(x)"}'`,
      "'a\u001bb'",
      '',
    ]) {
      expect(isInert(word), word).toBe(false)
    }
  })
})

describe('what bash is offered', () => {
  /** What bash would put in place of `replaced`, if `atoll complete` answered with `told`; and the words that it was asked with. */
  const offered = (words: readonly string[], line: string, replaced: string, told: readonly string[]) => {
    const script = `${BASH_COMPLETION}${BASH_COMPLETION}
      atoll() { printf '%s\\n' "$*" >&3; printf '%s\\n' ${told.map(word => `$'${word.replaceAll("'", "\\'")}'`).join(' ')} :4; }
      COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE=$LINE COMP_POINT=\${#LINE}
      _atoll atoll "$REPLACED" ''
      printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout, output } = spawnSync('bash', ['--norc', '-c', script, 'bash', ...words], {
      env: { PATH: process.env['PATH'], LINE: line, REPLACED: replaced },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      encoding: 'utf8',
    })
    return { words: stdout.trimEnd().split('\n'), asked: output[3]?.slice(0, -1), complained: output[2] }
  }

  it('needs no other package, and carries nothing out', () => {
    expect(offered(['atoll', 'call', 'hi'], 'atoll  call hi', 'hi', ['hits\tan id', 'hive'])).toEqual({
      words: ['hits', 'hive'],
      asked: 'complete -- call hi',
      complained: '',
    })
    expect(offered(['atoll', 'send', '$(echo x)', ''], 'atoll send $(echo x) ', '', ['a']).asked).toBe(
      'complete -- send $(echo x) ',
    )
  })

  it('is the part of a word that bash replaces', () => {
    const module = ['counter@1.0.0', 'counter@2.0.0']
    const words = ['atoll', 'module', 'show', 'counter', '@', '1']
    expect(offered(words, 'atoll module show counter@1', '@1', module).words).toEqual(['@1.0.0', '@2.0.0'])
    const url = ['atoll', 'call', '--url', '=', 'http', ':', '//n', 'hi']
    expect(offered(url, 'atoll call --url=http://n hi', 'hi', ['hits']).asked).toBe(
      'complete -- call --url=http://n hi',
    )
    const json = [`'{"by":1}'`]
    expect(offered(['atoll', 'call', 'hits', 'add', ''], 'atoll call hits add ', '', json).words).toEqual(json)
    expect(offered(['atoll', 'call', 'hits', 'add', "'{"], "atoll call hits add '{", '{', json).words).toEqual([
      '{"by":1}',
    ])
  })
})

describe('a sample of an input', () => {
  it('has the fields that are needed, with defaults and least values', () => {
    const input = {
      type: 'object',
      required: ['to', 'amount', 'count', 'debt', 'kind', 'deep'],
      properties: {
        to: { type: 'string' },
        amount: { type: 'integer', exclusiveMinimum: 0 },
        count: { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
        debt: { type: 'number', maximum: -2 },
        kind: { enum: ['a', 'b'] },
        deep: { type: 'array', items: { type: 'object', properties: { on: { type: 'boolean' } } } },
        more: { type: 'string' },
      },
    }
    expect(sampleValue(input)).toEqual({ to: 'text', amount: 1, count: 0, debt: -2, kind: 'a', deep: [{ on: false }] })
  })

  it('has texts that fit, where more than a pattern tells which do', () => {
    const text = (schema: object): unknown => sampleValue({ type: 'string', ...schema })
    expect(text({ minLength: 6 })).toHaveLength(6)
    expect(text({ maxLength: 2 })).toHaveLength(2)
    expect(text({ pattern: '^0x', examples: ['0x12'] })).toBe('0x12')
    expect(text({ pattern: '^0x' })).toBe('')
    for (const schema of [z.url(), z.email(), z.uuid(), z.iso.date(), z.iso.datetime()])
      expect(schema.safeParse(sampleValue(z.toJSONSchema(schema) as object)).error).toBeUndefined()
  })

  it('ends, however deep its schema', () => {
    const endless: { type: string; items?: object } = { type: 'array' }
    endless.items = endless
    expect(JSON.stringify(sampleValue(endless))).toBe('[[[[[]]]]]')
  })
})

describe('how a process is called first', () => {
  const clientWhere = (told: () => Promise<InterfaceDescription>): Client => {
    const processes: Pick<Client['processes'], 'interface'> = { interface: told }
    return { processes } as Client
  }

  it('is by an action, where it keeps no contract', async () => {
    const client = clientWhere(() => Promise.reject(new Failure('no-contract')))
    expect(await firstCall(client, 'tally', 'id')).toBe(`send tally --action <action> '<data>'`)
  })

  it('is not told, where the node does not tell what it takes: what was made is made', async () => {
    const client = clientWhere(() => Promise.reject(new Failure('unreachable')))
    expect(await firstCall(client, 'tally', 'id')).toBeUndefined()
  })

  it('is by its first message, or not at all', async () => {
    const question = {
      input: { type: 'object', required: ['by'], properties: { by: { type: 'integer', minimum: 1 } } },
    }
    const told = { messages: { add: question }, queries: {} } as unknown as InterfaceDescription
    expect(
      await firstCall(
        clientWhere(async () => told),
        'hits',
        'id',
      ),
    ).toBe(`call hits add '{"by":1}'`)
    expect(
      await firstCall(
        clientWhere(async () => ({ ...told, messages: {} })),
        'hits',
        'id',
      ),
    ).toBeUndefined()
  })
})
