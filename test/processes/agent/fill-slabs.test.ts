import { expect, it } from 'vitest'
import { instanceOf, makeImage } from '../../../processes/agent/image.ts'
import { AgentModule } from '../../../protocol/index.ts'

const CODE = `
const any = { '~standard': { version: 1, vendor: 'x', validate: value => ({ value }) } }
__atoll.define({ kind: 'agent', contract: {
  kind: 'contract', name: 'still', version: '1', args: any, state: any, messages: {}, queries: {}, events: {},
}, definition: { init: () => ({}) } })`
const INTERFACE = { name: 'still', version: '1', args: {}, state: {}, messages: {}, queries: {}, events: {} }

/** To begin a slab costs 1,200 at least, to take a place of one that there is 220 at most. */
const BEGINNING_GAS_MIN = 1000

it('a process finds slabs of every size that were begun, and does not give them back', { timeout: 60_000 }, () => {
  const image = makeImage(
    AgentModule.parse({ agent: 1, name: 'still', version: '1', code: CODE, interface: INTERFACE }),
  )
  const { calls } = instanceOf(image, image.pages)
  const { exports } = calls
  const runtime = exports.qjs_get_runtime_ptr()
  const costOf = (length: number): number => {
    calls.gas.value = 10n ** 9n
    const taken = Array.from({ length: 5 }, () => exports.js_malloc_rt(runtime, length))
    for (const address of taken) exports.js_free_rt(runtime, address)
    return Number(10n ** 9n - calls.gas.value)
  }
  for (let length = 8; length <= 504; length += 8) {
    const first = costOf(length)
    expect([length, costOf(length)]).toStrictEqual([length, first])
    expect([length, first < 5 * 2 * 220 + BEGINNING_GAS_MIN]).toStrictEqual([length, true])
  }
})
