import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { HypercoreLog } from '../../log/index.ts'
import { blockOf, messagesOf, NODE_SEED } from '../conformance/log.ts'
import { seededDice } from '../fakes/seeded-random.ts'
import { tempFolder } from './temp-folder.ts'

const KILLS = 10
const CHILD = fileURLToPath(new URL('./writer-child.ts', import.meta.url))

/** Runs a writer until it has acknowledged `lines` blocks, then kills it; gives all it told. */
async function writeAndKill(directory: string, lines: number): Promise<string[]> {
  const child = spawn(process.execPath, [CHILD, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const told: string[] = []
  for await (const line of createInterface(child.stdout)) {
    told.push(line)
    if (told.length === lines) child.kill('SIGKILL')
  }
  return told
}

test('what a node acknowledged before it was killed is there, ten kills in a row', {
  timeout: 180_000,
}, async () => {
  await using folder = await tempFolder()
  const random = seededDice(7)
  const acknowledged: string[] = []
  for (let kill = 0; kill < KILLS; kill++) {
    const told = await writeAndKill(folder.path, 1 + random(400))
    expect(told.length).toBeGreaterThan(0)
    acknowledged.push(...told)
  }
  expect(new Set(acknowledged).size).toBe(acknowledged.length)
  await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
  expect(log.frozen).toEqual([])
  for (const line of acknowledged) {
    const [name = '', index = ''] = line.split(' ')
    const block = blockOf(messagesOf(name), Number(index), 'x'.repeat(Number(index) % 300))
    expect(await log.block(block.feed, block.index)).toEqual(block.bytes)
    const [id] = block.ids
    expect(id && (await log.messages.slotOf(block.feed.process, id))).toBe(block.firstSlot)
  }
})
