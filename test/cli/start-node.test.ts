import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { refuseRunning } from '../../cli/start-node.ts'
import { temporaryFolder } from './test-terminal.ts'

test('who looks whether a node runs in a folder starts none there', async () => {
  await using folder = await temporaryFolder()
  await refuseRunning(folder.path)
  expect(await readdir(folder.path)).toEqual([])
})
