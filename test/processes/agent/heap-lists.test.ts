import { expect, it } from 'vitest'
import { deliveryOf } from '../../../processes/agent/delivery.ts'
import { instanceOf, makeImage } from '../../../processes/agent/image.ts'
import type { Machine } from '../../../processes/agent/machine.ts'
import { OBJECTS_AT, TEXTS_AT } from '../../../processes/agent/values/layout.ts'
import { decodeAgentModule, type GuestMessage } from '../../../protocol/index.ts'
import { fakeProcess } from '../../fakes/guest-context.ts'
import { agentModule, request, spawnMessage } from './agent-driver.ts'

const GAS = 20_000_000_000n
const MESSAGES = 400

/** How many things a list of the engine has; each must know the one before it. */
function lengthOf({ calls }: Machine, list: number): number {
  const word = (at: number): number => calls.memory.words[at >>> 2] ?? 0
  let length = 0
  for (let before = list, link = word(list + 4); ; before = link, link = word(link + 4)) {
    expect(word(link)).toBe(before)
    if (link === list) return length
    length += 1
  }
}

it('what the host makes stands in the lists of the engine, and leaves them when it is given up', {
  timeout: 60_000,
}, async () => {
  const module = decodeAgentModule((await agentModule('forms')).wasm)
  const image = makeImage(module)
  const machine = instanceOf(image, image.pages)
  const { runtime, routes } = image.entry
  const lengths = (): number[] => [OBJECTS_AT, TEXTS_AT].map(list => lengthOf(machine, runtime + list))
  const deliver = (message: GuestMessage): void => {
    machine.calls.gas.value = GAS
    machine.deliver(deliveryOf(message, fakeProcess(2), module, routes, []), image.entry)
  }
  deliver(spawnMessage())
  const value = (at: number) => ({
    ...{
      text: `text ${at}`,
      short: 'ab',
      number: at / 3,
      whole: 1,
      above: 0.5,
      flag: true,
      nothing: null,
      word: 'a',
      one: 'a',
      maybe: null,
    },
    ...{ 'odd key': 1, texts: Array.from({ length: at % 7 }, (_, index) => `${index}`), few: [1] },
    ...{ nested: [{ name: 'x', tags: [[true], []] }], inner: { a: { b: {} } } },
  })
  const counts: number[][] = []
  for (let at = 0; at < MESSAGES; at++) {
    deliver(request(at % 3 === 0 ? 'used' : at % 3 === 1 ? 'kept' : 'everything', value(at), { slot: at + 1 }))
    if (at % 21 === 20) counts.push(lengths())
    if (at === MESSAGES / 2) machine.collect()
  }
  expect(counts.every(([objects = 0, texts = 0]) => objects > 0 && texts > 0)).toBe(true)
  // After as many messages of each kind there is as much as before.
  expect(new Set(counts.slice(2).map(String)).size).toBe(1)
})
