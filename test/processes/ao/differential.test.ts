import { describe, expect, it } from 'vitest'
import { encodeEnvironment, encodeMessage } from '../../../processes/ao/message-json.ts'
import {
  describe as describeModule,
  GAS,
  loadModule,
  outputOf,
  processOf,
  readModule,
  recorder,
  WASM32,
  WASM64,
} from './fixtures.ts'
import { askOracle } from './oracle.ts'
import { makeScenario } from './scenario.ts'

const decoder = new TextDecoder()
const parse = (bytes: Uint8Array): unknown => JSON.parse(decoder.decode(bytes))

describe("AO's own loader and this runtime", () => {
  it.each([
    ['aos2_0_4_32', WASM32],
    ['aos2_0_6', WASM64],
  ])('give the same for 200 messages to %s', { timeout: 180_000 }, async (name, format) => {
    const wasm = readModule(name)
    const process = processOf()
    const steps = makeScenario()
    const env = parse(encodeEnvironment(process, describeModule(wasm, format)))
    const asked = steps.map(({ message, fails }) => ({
      message: parse(encodeMessage(message, process)),
      env,
      restore: fails,
    }))
    const expected = await askOracle({ wasm: name, format }, asked)
    const guest = loadModule(wasm, format).open(process)
    expect(expected).toHaveLength(steps.length)
    steps.forEach(({ message, fails }, slot) => {
      const ending = guest.run(message, recorder(), GAS)
      const { GasUsed: _, ...ours } = outputOf(ending.output)
      const { Error: failure, Output = '', Messages = [], Spawns = [], Assignments = [] } = expected[slot] ?? {}
      const theirs = {
        ...(failure === undefined ? {} : { Error: failure }),
        Output,
        Messages,
        Spawns,
        Assignments,
      }
      expect({ slot, ...ours }).toEqual({ slot, ...theirs })
      expect({ slot, status: ending.status }).toEqual({ slot, status: fails ? 'error' : 'ok' })
      if (ending.status === 'ok') guest.keep()
      else guest.discard()
    })
  })
})
