import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createNode } from '../../node/index.ts'
import { run, temporaryFolder } from './test-terminal.ts'

const CHILD = `import { contract, message } from 'atoll/contract'
import { z } from 'zod'
export const Child = contract({ name: 'child', version: '1', messages: { twice: message({ input: z.object({ n: z.int() }), reply: z.int() }) } })
`
const CHILD_PROCESS = `import { Child } from './child.contract.ts'
export default Child.implement({ init: () => ({}), on: { twice: (_, { n }) => 2 * n } })
`
const parent = (n: number): string => `import { contract, message } from 'atoll/contract'
import { z } from 'zod'
import { Child } from './child.contract.ts'
const Parent = contract({ name: 'parent', version: '1', messages: { ask: message({ reply: z.int() }) } })
export default Parent.implement({ init: () => ({}), on: { ask: async ctx => (await ctx.spawn(Child)).twice({ n: ${n} }) } })
`

test('a process that spawns others finds their modules, whether its project brought it or its file alone', async () => {
  await using folder = await temporaryFolder()
  await using node = await createNode({ data: join(folder.path, 'data'), port: 0, hosts: 1 })
  const env = { ATOLL_HOME: join(folder.path, 'home'), ATOLL_URL: node.url }
  const atoll = (...words: string[]) => run(words, { cwd: folder.path, env })
  const file = join(folder.path, 'project/parent.process.ts')
  await mkdir(join(folder.path, 'project'))
  await writeFile(join(folder.path, 'project/child.contract.ts'), CHILD)
  await writeFile(join(folder.path, 'project/child.process.ts'), CHILD_PROCESS)

  await writeFile(file, parent(1))
  const spawned = await atoll('spawn', 'project/parent.process.ts', '--name', 'lone')
  expect([spawned.code, spawned.stderr]).toEqual([0, expect.stringContaining('child@1, which parent may spawn\n')])
  expect((await atoll('call', 'lone', 'ask')).stdout).toBe('2\n')
  expect((await atoll('deploy', 'project')).code).toBe(0)
  expect((await atoll('call', 'parent', 'ask')).stdout).toBe('2\n')
  await writeFile(file, parent(2))
  expect((await atoll('process', 'upgrade', 'parent', 'project/parent.process.ts')).code).toBe(0)
  expect((await atoll('call', 'parent', 'ask')).stdout).toBe('4\n')
  expect((await atoll('deploy', 'project')).stderr).toContain('parent is as it was')
}, 180_000)
