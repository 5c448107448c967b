// Commits to a few feeds for ever and tells each acknowledged block on its standard output; to be killed.
import { writeSync } from 'node:fs'
import { HypercoreLog } from '../../log/index.ts'
import { blockOf, messagesOf, NODE_SEED } from '../conformance/log.ts'

const [, , directory = ''] = process.argv
const log = await HypercoreLog.open({ directory, keySeed: NODE_SEED, segmentBytes: 16_384 })

async function write(name: string): Promise<void> {
  const feed = messagesOf(name)
  for (let index = await log.length(feed); ; index++) {
    await log.commit([blockOf(feed, index, 'x'.repeat(index % 300))])
    writeSync(1, `${name} ${index}\n`)
  }
}

await Promise.all(['a', 'b', 'c', 'd'].map(write))
