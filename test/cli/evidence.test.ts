import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createNode } from '../../node/index.ts'
import {
  encodeComplaint,
  encodeFault,
  makeComplaint,
  certificateMessage,
  ed25519Sign,
  encodeCertificate,
  EMPTY_ROOT,
} from '../../protocol/index.ts'
import { ed25519PublicKey } from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { ProvenProcess } from '../fakes/proven-process.ts'
import { messageItem, seedOf } from '../fakes/signed-items.ts'
import { documents, run, temporaryFolder } from './test-terminal.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let node: Awaited<ReturnType<typeof createNode>>
let process: ProvenProcess

const cli = (...words: string[]) =>
  run(words, { env: { ATOLL_HOME: join(folder.path, 'home'), ATOLL_URL: node.url }, cwd: folder.path })

beforeAll(async () => {
  folder = await temporaryFolder()
  process = await ProvenProcess.open([11, 12, 13], 2, [1])
  const log = MemoryLog.open()
  await log.directory.addProcess(process.description, process.spawn)
  node = await createNode({ data: join(folder.path, 'data'), port: 0, hosts: 1, openLog: async () => log })
}, 180_000)

afterAll(async () => {
  await node[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

/** What unit `unit` says of the first frame: that its state is `state`. */
function said(unit: number, state: number) {
  const certificateBytes = encodeCertificate({
    process: process.id,
    firstSlot: 0,
    count: 1,
    frameHash: EMPTY_ROOT,
    resultsRoot: EMPTY_ROOT,
    stateRoot: new Uint8Array(32).fill(state),
    gas: 1n,
  })
  return {
    unit,
    certificateBytes,
    signature: ed25519Sign(seedOf(process.units[unit] ?? 0), certificateMessage(certificateBytes)),
  }
}

function fault(): Uint8Array {
  const [liar, first, second] = [said(1, 9), said(0, 1), said(2, 1)]
  return encodeFault({
    process: process.id,
    ...liar,
    other: { certificateBytes: first.certificateBytes, signatures: [first, second] },
  })
}

test('evidence is handed in, listed, shown, written down and checked', async () => {
  const file = join(folder.path, 'lie.evidence')
  await writeFile(file, fault())
  expect((await cli('evidence', 'list')).stdout).toContain('nothing')
  const added = await cli('evidence', 'add', file, '-o', 'json')
  const [{ evidence: id = '', isNew } = {}] = documents(added.stdout)
  expect([added.code, isNew]).toEqual([0, true])
  const listed = documents((await cli('evidence', 'list', process.id, '--kind', 'fault', '-o', 'ndjson')).stdout)
  expect(listed).toEqual([
    expect.objectContaining({ id, kind: 'fault', process: process.id, accused: [keyOf(12)], slot: 0 }),
  ])
  expect((await cli('evidence', 'list')).stdout).toContain('from slot 0 on')
  expect((await cli('process', 'show', process.id)).stdout).toContain(
    `fault of ${keyOf(12)}: atoll evidence show ${id}`,
  )
  expect((await cli('evidence', 'show', String(id), '--file', 'copy.evidence')).stdout).toContain('compute unit 1')
  for (const what of [String(id), file, 'copy.evidence'])
    expect((await cli('evidence', 'verify', what)).code, what).toBe(0)
  expect((await cli('evidence', 'verify', 'nothing')).code).toBe(1)
  expect((await cli('evidence', 'show', 'nothing')).code).toBe(2)
  await writeFile(join(folder.path, 'nonsense'), 'nonsense')
  const nonsense = await cli('evidence', 'verify', join(folder.path, 'nonsense'))
  expect([nonsense.code, nonsense.stderr.slice(0, 8)]).toEqual([5, '✖ AT2014'])
})

test('what shows nothing is not taken, and does not verify', async () => {
  const bytes = fault()
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
  const file = join(folder.path, 'bent.evidence')
  await writeFile(file, bytes)
  expect((await cli('evidence', 'verify', file)).code).toBe(6)
  expect((await cli('evidence', 'add', file)).stderr).toContain('AT2014')
})

test('a complaint is listed as open, and proves no fault', async () => {
  const seed = seedOf(50)
  const { bytes: item } = messageItem(process.id)
  const file = join(folder.path, 'complaint')
  await writeFile(
    file,
    encodeComplaint(
      makeComplaint({ item, sinceMs: 1, untilMs: 20_000, witness: { key: ed25519PublicKey(seed), seed } }),
    ),
  )
  expect((await cli('evidence', 'add', file)).code).toBe(0)
  expect((await cli('evidence', 'list', '--kind', 'complaint')).stdout).toContain('open')
  expect((await cli('evidence', 'verify', file)).stdout).toContain('proves no fault')
})
