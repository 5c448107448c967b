import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { HypercoreLog } from '../../log/index.ts'
import { NODE_SEED } from '../conformance/log.ts'
import { Acknowledged, copyAsCrashed, damageFile, filesOf, openCopy, refusalOf, sealed } from './damage.ts'
import { seededDice } from '../fakes/seeded-random.ts'
import { tempFolder } from './temp-folder.ts'

const FEEDS = 6
const AT_ONCE = 5

/** A folder as a crash leaves it: some of it long settled, the rest in write-ahead logs and the journal. */
async function crashedFolder(path: string): Promise<Acknowledged> {
  await using folder = await tempFolder()
  const acknowledged = new Acknowledged(FEEDS)
  {
    await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
    for (let i = 0; i < 4; i++) await acknowledged.grow(log)
  }
  await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
  // On a slow machine the write-ahead log of the feeds may have been settled just now: then there is more.
  do {
    for (let i = 0; i < 8; i++) await acknowledged.grow(log)
    await log.drain()
  } while ((await filesOf(join(folder.path, 'feeds/db'), '.log')).length === 0)
  await sealed(folder.path)
  await copyAsCrashed(folder.path, path)
  return acknowledged
}

/** Damages one file of a copy and opens it: whole or frozen with every block told of, or refused. */
async function damageAndOpen(
  base: string,
  part: { folder: string; ending: string },
  seed: number,
  acknowledged: Acknowledged,
): Promise<'whole' | 'frozen' | 'refused'> {
  const random = seededDice(seed)
  await using folder = await tempFolder()
  const path = join(folder.path, 'damaged')
  await copyAsCrashed(base, path)
  const files = await filesOf(join(path, part.folder), part.ending)
  const file = files[random(files.length)]
  if (file === undefined) throw new Error(`nothing to damage in ${part.folder}`)
  const context = `seed ${seed}: ${await damageFile(file, random)}`
  const opened = await refusalOf(openCopy(path))
  if ('failure' in opened) {
    if (opened.failure.code !== 'data-folder-damaged') throw opened.failure
    return 'refused'
  }
  const frozen = await acknowledged.check(opened.log, context)
  await opened.log[Symbol.asyncDispose]()
  // What was repaired stays so.
  await using again = await openCopy(path)
  await acknowledged.check(again, `${context}, opened again`)
  return frozen > 0 ? 'frozen' : 'whole'
}

describe('after damage to a file of a crashed node', () => {
  let base: { path: string } & AsyncDisposable
  let acknowledged: Acknowledged

  beforeAll(async () => {
    base = await tempFolder()
    acknowledged = await crashedFolder(join(base.path, 'base'))
    return () => base[Symbol.asyncDispose]()
  })

  for (const [what, folder, ending, damages] of [
    ['the write-ahead log of the feeds', 'feeds/db', '.log', 100],
    ['the write-ahead log of the store', 'store', '.log', 30],
    ['the journal', 'journal', '.journal', 100],
  ] as const) {
    test(`${what}, all that was acknowledged is there or it is refused`, {
      timeout: 180_000,
    }, async () => {
      const outcomes: string[] = []
      // Most of the time goes into fsync, so several go on at once.
      const run = async (first: number): Promise<void> => {
        for (let seed = first; seed <= damages; seed += AT_ONCE) {
          const path = join(base.path, 'base')
          outcomes.push(await damageAndOpen(path, { folder, ending }, seed, acknowledged))
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => run(i + 1)))
      expect(outcomes).toHaveLength(damages)
      expect(outcomes).toContain('whole')
    })
  }
})
