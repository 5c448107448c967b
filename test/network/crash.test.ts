import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createNode, sourceFromLog, verifyProcess } from '../../node/index.ts'
import { asMessageId, asProcessId, decodeFrame, messagesFeed, type ProcessId } from '../../protocol/index.ts'

const CHILD = fileURLToPath(new URL('crash-child.ts', import.meta.url))

interface Run {
  readonly processes: readonly ProcessId[]
  readonly receipts: ReadonlyMap<string, number>
}

/** Runs a node over `data` until it gave `enough` receipts, then kills it in the middle of its work. */
async function runUntilKilled(data: string, enough: number): Promise<Run> {
  const child = spawn(process.execPath, ['--no-warnings', CHILD, data], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  for await (const chunk of child.stdout) {
    text += String(chunk)
    if (text.split('\n').length > enough) child.kill('SIGKILL')
  }
  const lines = text
    .split('\n')
    .slice(0, -1)
    .map(line => line.split(' '))
  const processes = lines.filter(([kind]) => kind === 'ready').flatMap(([, ...ids]) => ids.map(asProcessId))
  const receipts = new Map(lines.filter(([kind]) => kind === 'receipt').map(([, id = '', slot]) => [id, Number(slot)]))
  expect(receipts.size).toBeGreaterThanOrEqual(enough - 5)
  return { processes, receipts }
}

describe('a node that is killed', () => {
  it('loses no message it gave a receipt for, gives no slot twice, and finishes what it began', async () => {
    const data = await mkdtemp(join(tmpdir(), 'atoll-test-'))
    const runs = [await runUntilKilled(data, 40), await runUntilKilled(data, 60)]
    const node = await createNode({
      data,
      hosts: 1,
      logger: {
        debug: () => undefined,
        info: () => undefined,
        warn: () => undefined,
        error: () => undefined,
      },
    })
    for (const { processes, receipts } of runs) {
      const [counter, a, b] = processes
      if (counter === undefined || a === undefined || b === undefined) throw new TypeError('expected processes')
      for (const [id, slot] of receipts) expect(await node.log.messages.slotOf(counter, asMessageId(id))).toBe(slot)
      const description = await node.log.directory.process(counter)
      if (description === undefined) throw new TypeError('expected a process')
      const blocks = await Array.fromAsync(node.log.blocks(messagesFeed(description), 0))
      const slots = blocks
        .map(bytes => decodeFrame(bytes))
        .reduce((sum, { assignments }) => sum + assignments.length, 0)
      expect(slots).toBeGreaterThan(receipts.size)
      const last = await node.computer.result(counter, slots - 1)
      // Each message stands there once and counts one.
      expect(Buffer.from(last.output).toString()).toBe(String(slots - 1))
      while ((await node.computer.evaluated(a)) + (await node.computer.evaluated(b)) < 503)
        await new Promise(resolve => setTimeout(resolve, 20))
      for (const process of processes)
        expect(await verifyProcess(await sourceFromLog(node.log, process))).toMatchObject({
          ok: true,
        })
    }
    await node[Symbol.asyncDispose]()
    await rm(data, { recursive: true, force: true })
  })
})
