import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { sourceFromNode } from '../../cli/remote-source.ts'
import { verifyProcess } from '../../node/index.ts'
import { standardProcessPath } from '../../processes/index.ts'
import { Client, ed25519Signer, httpTransport, signControl } from '../../sdk/index.ts'
import { asModuleId, asProcessId } from '../../protocol/index.ts'
import { AtollProgram } from '../cli/atoll-program.ts'
import { documents, temporaryFolder } from '../cli/test-terminal.ts'
import { seedOf, tagsOf } from '../fakes/signed-items.ts'
import { textOf } from '../fakes/test-node.ts'

const SCRATCH = { 'Actor-Memory': 'scratch' }

it('a node that is killed in the middle of upgrades loses none, and does none twice', async () => {
  await using folder = await temporaryFolder()
  const signer = ed25519Signer(seedOf(7))
  const start = async (): Promise<{ program: AtollProgram; client: Client }> => {
    const env = { ATOLL_HOME: join(folder.path, 'home') }
    const program = new AtollProgram(['up', '--port', '0', '--data', join(folder.path, 'data'), '-o', 'ndjson'], env)
    onTestFinished(() => program[Symbol.asyncDispose]())
    await program.until(/\n/)
    const url = String(documents(program.stdout)[0]?.['url'])
    return { program, client: new Client({ transport: httpTransport({ url }), signer }) }
  }
  const wasm = new Uint8Array(await readFile(standardProcessPath('counter')))
  let { program, client } = await start()
  const modules: string[] = []
  for (const Name of ['a', 'b']) {
    modules.push(await client.modules.add(wasm, { format: 'actor', tags: tagsOf({ ...SCRATCH, Name }) }))
  }
  const [first = '', second = ''] = modules
  const { id } = await client.spawn({ module: first })
  const process = asProcessId(id)
  let sent = 0
  const upgrades: string[] = []
  for (let round = 0; round < 4; round++) {
    const next = round % 2 === 0 ? second : first
    for (let at = 0; at < 20; at++) {
      await client.send({ process, action: 'Add' })
      sent += 1
    }
    // Killed as soon as it is durable: whether it was evaluated nobody knows.
    const { item } = await durableUpgrade(client, process, next)
    upgrades.push(next)
    await program.stop('SIGKILL')
    ;({ program, client } = await start())
    // The same item again has its slot already.
    const again = await client.submit(item)
    expect(again).toMatchObject({ process })
  }
  const answer = await client.query({ process, action: 'Get' })
  expect(textOf(answer.output)).toBe(String(sent))
  const { module, changes, snapshots } = await client.processes.lifecycle(process)
  expect(module).toBe(upgrades.at(-1))
  expect(changes.map(change => change.module)).toEqual(upgrades)
  expect(snapshots).toHaveLength(3)
  const { scheduled } = await client.processes.get(process)
  expect(scheduled).toBe(1 + sent + upgrades.length)
  const report = await verifyProcess(sourceFromNode(client, process, {}))
  expect(report).toMatchObject({ ok: true, slots: scheduled })
  expect(report.certified).toBe(report.frames)
  const { result } = await client.processes.rollback(process)
  expect(result.status).toBe('ok')
  expect(textOf((await client.query({ process, action: 'Get' })).output)).toBe(String(sent))
})

/** Hands in an upgrade and waits for its receipt only. */
async function durableUpgrade(client: Client, process: string, module: string): Promise<{ item: Uint8Array }> {
  const control = {
    action: 'Upgrade',
    module: asModuleId(module),
    pending: 'wait',
    keeps: true,
  } as const
  const { bytes } = await signControl(process, control, ed25519Signer(seedOf(7)))
  await client.submit(bytes)
  return { item: bytes }
}
