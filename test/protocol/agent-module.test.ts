import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  AGENT_CODE_MAX_BYTES,
  type AgentModule,
  asMessageId,
  asModuleId,
  decodeAgentModule,
  decodeProcessOutput,
  encodeAgentModule,
  encodeProcessOutput,
  INTERFACE_MAX_BYTES,
  INTERFACE_NAMES_MAX,
  MalformedBytes,
  type ProcessOutput,
  toUtf8,
} from '../../protocol/index.ts'

const ID = `${'x'.repeat(42)}A`
const MODULE: AgentModule = {
  agent: 1,
  name: 'counter',
  version: '1.0.0',
  code: '__atoll.define({})',
  map: { version: 3, sources: ['counter.process.ts'], names: [], mappings: 'AAAA' },
  interface: {
    name: 'counter',
    version: '1.0.0',
    args: {},
    state: { type: 'object' },
    messages: { add: { input: { type: 'object' }, reply: {}, doc: 'Adds', allow: ['owner'] } },
    queries: { total: { input: {}, reply: { type: 'integer' } } },
    events: { changed: {} },
  },
  modules: { searcher: asModuleId(ID) },
}
const refusal = (bytes: Uint8Array | string): unknown => {
  try {
    return decodeAgentModule(typeof bytes === 'string' ? toUtf8(bytes) : bytes)
  } catch (error) {
    return error
  }
}
const refused = (rule: string) =>
  expect.objectContaining({ code: 'module-refused', details: expect.objectContaining({ rule }) })

describe('an agent module', () => {
  test('is read as it was written', () => {
    expect(decodeAgentModule(encodeAgentModule(MODULE))).toEqual(MODULE)
    const { map: _, modules: __, ...least } = MODULE
    expect(decodeAgentModule(encodeAgentModule(least))).toEqual(least)
  })

  test('of another form is refused, and the failure says where', () => {
    for (const wrong of ['', '{', 'null', '[]', '{"agent":2}', JSON.stringify({ ...MODULE, code: 1 })])
      expect(refusal(wrong), wrong).toEqual(refused('agent-module'))
    expect(refusal(new Uint8Array([0xff, 0xfe]))).toEqual(refused('agent-module'))
    expect(String(refusal(JSON.stringify({ ...MODULE, modules: { a: 'no id' } })))).toContain('modules.a')
    expect(
      String(refusal(JSON.stringify({ ...MODULE, interface: { ...MODULE.interface, queries: { a: 1 } } }))),
    ).toContain('interface.queries.a')
  })

  test('is bounded in all its parts', () => {
    const code = ' '.repeat(AGENT_CODE_MAX_BYTES + 1)
    expect(refusal(JSON.stringify({ ...MODULE, code }))).toEqual(refused('code-size'))
    expect(() => encodeAgentModule({ ...MODULE, code })).toThrow(expect.objectContaining({ code: 'module-refused' }))
    const args = { description: 'x'.repeat(INTERFACE_MAX_BYTES) }
    expect(refusal(JSON.stringify({ ...MODULE, interface: { ...MODULE.interface, args } }))).toEqual(
      refused('interface-size'),
    )
    const events = Object.fromEntries(Array.from({ length: INTERFACE_NAMES_MAX + 1 }, (_, at) => [`e${at}`, {}]))
    expect(refusal(JSON.stringify({ ...MODULE, interface: { ...MODULE.interface, events } }))).toEqual(
      refused('agent-module'),
    )
  })
})

describe('an output', () => {
  test('is read as it was written', () => {
    const message = asMessageId(ID)
    const outputs: readonly ProcessOutput[] = [
      {},
      { reply: null },
      { pending: true },
      { reply: { a: [1, 'x'] }, events: [{ name: 'changed', data: 1 }] },
      { settled: [{ message, reply: 5 }, { message }, { message, error: { code: 'threw', message: 'no' } }] },
    ]
    for (const output of outputs) expect(decodeProcessOutput(encodeProcessOutput(output))).toEqual(output)
    expect(decodeProcessOutput(new Uint8Array(0))).toEqual({})
  })

  test('of another form is malformed, whatever the bytes', () => {
    for (const wrong of [
      '5',
      'null',
      '{',
      '{"pending":false}',
      '{"events":{}}',
      `{"settled":[{"message":"x"}]}`,
      `{"settled":[{"message":"${ID}","error":"no"}]}`,
    ])
      expect(() => decodeProcessOutput(toUtf8(wrong)), wrong).toThrow(MalformedBytes)
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), bytes => {
        try {
          decodeProcessOutput(bytes)
        } catch (error) {
          if (!(error instanceof MalformedBytes)) throw error
        }
      }),
    )
  })
})
