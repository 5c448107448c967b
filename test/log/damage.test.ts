import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { HypercoreLog } from '../../log/index.ts'
import { NODE_SEED } from '../conformance/log.ts'
import { Acknowledged, copyAsCrashed, damageFile, filesOf, openCopy, refusalOf } from './damage.ts'
import { seededRandom } from './seeded-random.ts'
import { tempFolder } from './temp-folder.ts'

const FEEDS = 6
const DAMAGES = 50

/** A folder as a crash leaves it: some of it long settled, the rest in write-ahead logs and the journal. */
async function crashedFolder(path: string): Promise<Acknowledged> {
  await using folder = await tempFolder()
  const acknowledged = new Acknowledged(FEEDS)
  {
    await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
    for (let i = 0; i < 4; i++) await acknowledged.grow(log)
  }
  await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
  for (let i = 0; i < 8; i++) await acknowledged.grow(log)
  await log.drain()
  // The seal of a journal at rest.
  await new Promise(resolve => setTimeout(resolve, 50))
  await copyAsCrashed(folder.path, path)
  return acknowledged
}

describe('after damage to a file of a crashed node', () => {
  let base: { path: string } & AsyncDisposable
  let acknowledged: Acknowledged

  beforeAll(async () => {
    base = await tempFolder()
    acknowledged = await crashedFolder(join(base.path, 'base'))
    return () => base[Symbol.asyncDispose]()
  })

  for (const [what, folder, ending] of [
    ['the write-ahead log of the feeds', 'feeds/db', '.log'],
    ['the write-ahead log of the store', 'store', '.log'],
    ['the journal', 'journal', '.journal'],
  ] as const) {
    test(`${what}, all that was acknowledged is there or it is refused`, {
      timeout: 120_000,
    }, async () => {
      const outcomes = { whole: 0, refused: 0, frozen: 0 }
      for (let seed = 1; seed <= DAMAGES; seed++) {
        const random = seededRandom(seed)
        const path = join(base.path, `damaged-${ending}`)
        await copyAsCrashed(join(base.path, 'base'), path)
        const files = await filesOf(join(path, folder), ending)
        const file = files[random(files.length)]
        if (file === undefined) throw new Error(`nothing to damage in ${folder}`)
        const context = `seed ${seed}: ${await damageFile(file, random)}`
        const opened = await refusalOf(openCopy(path))
        if ('failure' in opened) {
          expect(opened.failure.code, context).toBe('data-folder-damaged')
          outcomes.refused++
        } else {
          const frozen = await acknowledged.check(opened.log, context)
          outcomes[frozen > 0 ? 'frozen' : 'whole']++
          await opened.log[Symbol.asyncDispose]()
          // What was repaired stays so.
          await using again = await openCopy(path)
          await acknowledged.check(again, `${context}, opened again`)
        }
        await rm(path, { recursive: true, force: true })
      }
      expect(outcomes.whole + outcomes.refused + outcomes.frozen).toBe(DAMAGES)
      expect(outcomes.whole).toBeGreaterThan(0)
    })
  }
})
