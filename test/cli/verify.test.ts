import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AtollNode, createNode } from '../../node/index.ts'
import { standardProcessPath } from '../../processes/index.ts'
import { documents, run, temporaryFolder } from './test-terminal.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let node: AtollNode
let process: string
let message: string
let file: string

const cli = (...words: string[]) => run(words, { env: { ATOLL_HOME: join(folder.path, 'home'), ATOLL_URL: node.url } })
/** Without a node: what is in a file is enough. */
const offline = (...words: string[]) =>
  run(words, { env: { ATOLL_HOME: join(folder.path, 'home'), ATOLL_URL: 'http://127.0.0.1:9' } })

beforeAll(async () => {
  folder = await temporaryFolder()
  node = await createNode({ data: join(folder.path, 'data'), port: 0, hosts: 1 })
  await cli('module', 'add', standardProcessPath('counter'), '--tag', 'Actor-Memory=scratch')
  process = String(documents((await cli('spawn', 'counter', '-o', 'json')).stdout)[0]?.['process'])
  for (let i = 0; i < 3; i++)
    message = String(documents((await cli('send', process, '-a', 'Add', '-o', 'json')).stdout)[0]?.['id'])
  file = join(folder.path, 'payment.proof')
}, 180_000)

afterAll(async () => {
  await node[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

describe('a proof in a file', () => {
  test('is written by a node and holds without one, step by step', async () => {
    const exported = await cli('proof', 'export', message, '--file', file, '-o', 'json')
    expect(exported.code).toBe(0)
    expect(documents(exported.stdout)[0]).toMatchObject({ $type: 'proof.exported', process, slot: 3, message })
    const verified = await offline('verify', file, '--trust', process)
    expect(verified.code).toBe(0)
    for (const name of ['spawn', 'trust', 'feed', 'block', 'certificate', 'result', 'message', 'output'])
      expect(verified.stdout).toContain(`✔ ${name}`)
    expect(verified.stdout).toContain(message)
    expect(verified.stderr).toContain('3')
  })

  test('asks whether the process is the one that was meant, if nobody said which', async () => {
    expect((await offline('verify', file)).stderr).toContain(`--trust ${process}`)
    expect((await offline('verify', file, '--trust', node.key)).stderr).not.toContain('--trust')
    const other = await offline('verify', file, '--trust', message, '-o', 'json')
    expect(other.code).toBe(6)
    expect(documents(other.stdout)[0]).toMatchObject({ verified: false })
  })

  test('does not hold once a byte is changed', async () => {
    const bytes = new Uint8Array(await readFile(file))
    bytes[bytes.length - 9] = (bytes.at(-9) ?? 0) ^ 1
    const bent = join(folder.path, 'bent.proof')
    await writeFile(bent, bytes)
    const verified = await offline('verify', bent)
    expect(verified.code).toBe(6)
    expect(verified.stdout).toContain('✖')
  })

  test('is checked by what the spawn message in a file makes, too', async () => {
    const spawn = join(folder.path, 'spawn')
    await writeFile(
      spawn,
      new Uint8Array(await (await fetch(`${node.url}/v1/processes/${process}/spawn`)).arrayBuffer()),
    )
    expect((await offline('verify', file, '--trust', spawn)).code).toBe(0)
    expect((await offline('verify', spawn)).code).toBe(1)
    expect((await cli('verify', 'none.proof')).stderr).toContain('nor is there a file of that name')
  })
})

describe('a result of a node', () => {
  test('is verified by message, by process and by slot, and evaluated again', async () => {
    for (const what of [message, process, `${process}/2`]) expect((await cli('verify', what)).code, what).toBe(0)
    const executed = await cli('verify', message, '--execute', '-o', 'json')
    expect(executed.code).toBe(0)
    expect(documents(executed.stdout)[0]).toMatchObject({
      verified: true,
      steps: expect.arrayContaining([expect.objectContaining({ name: 'execution', holds: true })]),
    })
    expect((await cli('verify', `${process}/99`, '--timeout', '1s')).code).not.toBe(0)
  }, 180_000)
})
