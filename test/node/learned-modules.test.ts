import { expect, test } from 'vitest'
import { LearnedModules } from '../../node/learning/learned-modules.ts'
import { asModuleId, describeModule, Failure, signDataItemSync } from '../../protocol/index.ts'
import { seedOf } from '../fakes/signed-items.ts'

const moduleOf = (type: string) =>
  signDataItemSync(
    {
      tags: [
        { name: 'Type', value: type },
        { name: 'Module-Format', value: 'x' },
      ],
      data: '',
    },
    seedOf(9),
  )

test('what somebody signed and is no module is as good as none; a disk that is full is told', async () => {
  const [none, some] = [moduleOf('Message'), moduleOf('Module')]
  const items = new Map([none, some].map(item => [item.id, item.bytes]))
  const modules = new LearnedModules({
    directory: {
      module: async () => undefined,
      addModule: async item => {
        describeModule(item)
        throw new Failure('disk-full')
      },
    },
    peers: { moduleItem: async id => items.get(id) },
  })
  expect(await modules.learn(asModuleId(none.id))).toBe(false)
  await expect(modules.learn(asModuleId(some.id))).rejects.toMatchObject({ code: 'disk-full' })
})

test('what a peer gives that is no item at all is as good as none', async () => {
  const directory = { module: async () => undefined, addModule: () => expect.unreachable('it is no module') }
  const modules = new LearnedModules({ directory, peers: { moduleItem: async () => new Uint8Array(9) } })
  expect(await modules.learn(asModuleId(moduleOf('Module').id))).toBe(false)
})
