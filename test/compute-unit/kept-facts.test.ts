import { expect, it } from 'vitest'
import { KeptFacts } from '../../compute-unit/kept/kept-facts.ts'
import { asModuleId, asProcessId, type Lifecycle } from '../../protocol/index.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { MemoryStore } from '../fakes/memory-store.ts'

const P = asProcessId(fakeId(1))
const lifecycle = (since: number): Lifecycle => ({
  module: asModuleId(fakeId(2)),
  since,
  changes: [],
  snapshots: [],
})

class CountedStore extends MemoryStore {
  gets = 0

  override get(key: Uint8Array): Promise<Uint8Array | undefined> {
    this.gets += 1
    return super.get(key)
  }
}

it('what the module of a process was is read once, and told as it is now', async () => {
  const store = new CountedStore()
  const facts = new KeptFacts(store)
  expect(await facts.lifecycle(P)).toBeUndefined()
  expect(await facts.lifecycle(P)).toBeUndefined()
  expect(store.gets).toBe(1)
  facts.keepLifecycle(P, lifecycle(7))
  expect((await facts.lifecycle(P))?.since).toBe(7)
  expect((await new KeptFacts(store).lifecycle(P))?.since).toBe(7)
})

it('what is told while it is read stays', async () => {
  const store = new MemoryStore()
  new KeptFacts(store).keepLifecycle(P, lifecycle(3))
  const facts = new KeptFacts(store)
  const reading = facts.lifecycle(P)
  facts.keepLifecycle(P, lifecycle(9))
  expect((await reading)?.since).toBe(9)
  expect((await facts.lifecycle(P))?.since).toBe(9)
})
