import { rm } from 'node:fs/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { HypercoreLog } from '../../log/index.ts'
import { blockOf, collect, logConformance, messagesOf, NODE_SEED, resultsOf, spawnNamed, moduleNamed } from '../conformance/log.ts'
import { toUtf8 } from '../../protocol/index.ts'
import { tempFolder } from './temp-folder.ts'

const folders: string[] = []
afterAll(() => Promise.all(folders.map(path => rm(path, { recursive: true, force: true }))))

async function openInNewFolder(): Promise<HypercoreLog> {
  const { path } = await tempFolder()
  folders.push(path)
  return await HypercoreLog.open({ directory: path, keySeed: NODE_SEED })
}

describe('a log on Hypercore', () => {
  logConformance(openInNewFolder)

  test('holds everything after it was closed and opened again', async () => {
    await using folder = await tempFolder()
    const feed = messagesOf('a')
    const spawn = spawnNamed('p')
    const module = moduleNamed('m')
    const blocks = Array.from({ length: 40 }, (_, index) => blockOf(feed, index))
    {
      await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
      for (const block of blocks) await log.commit([block])
      await log.append(resultsOf('a'), 0, [toUtf8('x')])
      await log.directory.addProcess(spawn.description, spawn.envelope)
      await log.directory.addModule(module)
      log.store.write([{ key: toUtf8('test/k'), value: toUtf8('v') }])
    }
    await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
    expect(log.recovered).toEqual([])
    expect(await collect(log.blocks(feed, 0))).toEqual(blocks.map(({ bytes }) => bytes))
    expect(await collect(log.blocks(resultsOf('a'), 0))).toEqual([toUtf8('x')])
    expect(await log.messages.slotOf(feed.process, blocks[39]?.ids[0] ?? ('' as never))).toBe(39)
    expect(await log.directory.process(spawn.description.id)).toEqual(spawn.description)
    expect(await log.directory.moduleItem(module.id as never)).toEqual(module.bytes)
    expect(await log.store.get(toUtf8('test/k'))).toEqual(toUtf8('v'))
    await log.commit([blockOf(feed, 40)])
    expect(await log.length(feed)).toBe(41)
  })
})
