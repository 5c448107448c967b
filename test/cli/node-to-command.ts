import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { type AtollNode, createNode } from '../../node/index.ts'
import { standardProcessPath } from '../../processes/index.ts'
import { documents, type Ended, run, temporaryFolder } from './test-terminal.ts'

/** A document of standard output. */
export type Fields = Record<string, unknown>

// A node for the commands of one file of tests, with a counter called hits and a relay called ping.
export let folder: Awaited<ReturnType<typeof temporaryFolder>>
export let node: AtollNode
export let env: Record<string, string>

export const atoll = (...words: string[]): Promise<Ended> => run(words, { env, cwd: folder.path })
export const one = async (...words: string[]): Promise<Fields> => {
  const { code, stdout, stderr } = await atoll(...words, '-o', 'json')
  expect(code, stderr).toBe(0)
  const [document = {}, ...rest] = documents(stdout)
  expect(rest).toEqual([])
  expect(document).toMatchObject({ $type: expect.stringMatching(/^[a-z.-]+$/), v: 1 })
  return document
}

/** Has such a node for the file of tests that calls this. */
export function startsNode(): void {
  beforeAll(async () => {
    folder = await temporaryFolder()
    node = await createNode({ data: join(folder.path, 'data'), port: 0, hosts: 1 })
    env = { ATOLL_HOME: join(folder.path, 'home'), ATOLL_URL: node.url }
    for (const name of ['counter', 'relay'] as const) {
      await one('module', 'add', standardProcessPath(name), '--format', 'actor', '--tag', 'Actor-Memory=scratch')
    }
    await one('spawn', 'counter', '--name', 'hits')
    await one('spawn', 'relay', '--name', 'ping')
  }, 180_000)

  afterAll(async () => {
    await node[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })
}
