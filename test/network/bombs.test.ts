import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Failure, type ModuleId, type ProcessId } from '../../protocol/index.ts'
import { moduleItem, spawnItem, tagsOf } from '../fakes/signed-items.ts'
import { TestNode, textOf } from '../fakes/test-node.ts'
import { ENDLESS_ACTORS, MODULE_BOMBS } from './module-bombs.ts'

const ACTOR = tagsOf({ 'Module-Format': 'actor' })
/** Far above what is meant (5 s on a quiet machine), for machines that are busy. */
const PATIENCE_MS = 120_000

let node: TestNode
let counter: ProcessId

beforeAll(async () => {
  node = await TestNode.open()
  counter = await node.spawn(await node.addStandard('counter'))
})

afterAll(() => node[Symbol.asyncDispose]())

/** Others are served while `work` goes on. */
async function meanwhile<T>(work: Promise<T>): Promise<T> {
  let ended = false
  const settled = work.finally(() => {
    ended = true
  })
  settled.catch(() => undefined)
  for (let i = 0; i < 3 || !ended; i++) {
    expect((await node.ask(counter, { Action: 'Add' })).status).toBe('ok')
    if (i > 3) await new Promise(resolve => setTimeout(resolve, 20))
  }
  return settled
}

describe('a module bomb', { timeout: PATIENCE_MS }, () => {
  for (const [what, make] of MODULE_BOMBS) {
    it(`of ${what} is refused, and others go on meanwhile`, async () => {
      const [taken] = await meanwhile(node.node.messenger.submit([moduleItem(make(), ACTOR).bytes]))
      expect(Failure.is(taken) && taken.code).toMatch(/^(module-refused|too-large)$/)
    })
  }

  it('that got into the directory all the same ends every slot in one error, and harms nobody', async () => {
    const make = MODULE_BOMBS.get('50 tables of ten million entries')
    const item = moduleItem(make?.() ?? new Uint8Array(), ACTOR)
    await node.log.directory.addModule(item)
    const { process } = await node.submit(spawnItem(item.id, node.node.key))
    expect(await meanwhile(node.result({ process, slot: 0 }))).toMatchObject({
      status: 'error',
      error: { code: 'module-refused' },
      gas: 0n,
    })
    expect(await node.ask(process, { Action: 'Any' })).toMatchObject({
      status: 'error',
      error: { code: 'module-refused' },
    })
  })
})

describe('a program that never ends', { timeout: PATIENCE_MS }, () => {
  for (const [what, make] of ENDLESS_ACTORS) {
    it(`in ${what} runs out of gas, at the same place every time`, async () => {
      const limit = tagsOf({ 'Compute-Limit': '300000000' })
      const module: ModuleId = await node.addModule(make(), [...ACTOR, ...limit])
      const process = await node.spawn(module)
      const first = await node.result({ process, slot: 0 })
      expect(first).toMatchObject({ status: 'error', error: { code: 'out-of-gas' } })
      const again = await node.ask(process, { Action: 'Again' })
      expect(again).toMatchObject({
        status: 'error',
        error: { code: 'out-of-gas' },
        gas: first.gas,
      })
      expect(Number(textOf((await node.ask(counter, { Action: 'Get' })).output))).toBeGreaterThan(0)
    })
  }

  it('holds up nobody in its host: it goes on where nobody waits', async () => {
    const make = ENDLESS_ACTORS.get('an empty loop') ?? (() => new Uint8Array())
    const endless = await node.spawn(await node.addModule(make(), ACTOR))
    let isOver = false
    const ended = node.result({ process: endless, slot: 0 }).finally(() => {
      isOver = true
    })
    let answered = 0
    for (; !isOver; answered++) await node.ask(counter, { Action: 'Add' })
    // Where they wait behind it, few are answered before it begins, and one more when it ends.
    expect(answered).toBeGreaterThan(50)
    expect(await ended).toMatchObject({ status: 'error', error: { code: 'out-of-gas' } })
  })
})
