import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { AtollProgram } from './atoll-program.ts'

it('whoever runs a node backs it up, and names processes to seed as the node calls them', {
  timeout: 180_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-operator-'))
  const env = { ATOLL_HOME: join(folder, 'home'), ATOLL_DATA: join(folder, 'data') }
  const node = new AtollProgram(['up', '--port', '0', '--listen', '0', '-o', 'ndjson'], env)
  onTestFinished(async () => {
    await node[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })
  const [, url = ''] = await node.until(/"url":"([^"]+)"/)
  const run = async (...words: string[]): Promise<object> => {
    await using program = new AtollProgram([...words, '--url', url, '-o', 'json'], env)
    await program.ended()
    return JSON.parse(program.stdout || program.stderr) as object
  }
  const backup = join(folder, 'backup')
  expect(await run('node', 'backup', backup)).toMatchObject({ folder: backup })
  const { id } = (await run('spawn', 'counter', '--name', 'hits')) as { id: string }
  // It has found it, and that it writes the feed itself.
  expect(await run('feed', 'seed', 'hits')).toMatchObject({ code: 'malformed-request', details: { process: id } })
  expect(await run('feed', 'unseed', 'hits')).toMatchObject({ process: id, seeded: false })
})
