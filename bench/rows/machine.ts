/** What the figures were measured on. */
import { execFile } from 'node:child_process'
import { open, rm } from 'node:fs/promises'
import { arch, availableParallelism, cpus, platform, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { median } from '../peer-programs/median.ts'
import { PEER_VERSIONS } from '../peers.ts'
import { milliseconds } from './show.ts'

const GIB = 2 ** 30
const SYNCS = 50
const BLOCK_BYTES = 4096

/** Median time of one append of 4 KiB with fdatasync: what a receipt cannot be faster than. */
async function syncMs(): Promise<number> {
  const path = join(tmpdir(), `bench-sync-${process.pid}`)
  const file = await open(path, 'w')
  try {
    const timesMs: number[] = []
    for (let at = 0; at < SYNCS; at++) {
      const start = performance.now()
      await file.write(new Uint8Array(BLOCK_BYTES))
      await file.datasync()
      timesMs.push(performance.now() - start)
    }
    return median(timesMs)
  } finally {
    await file.close()
    await rm(path, { force: true })
  }
}

async function commit(): Promise<string> {
  try {
    const options = { cwd: import.meta.dirname }
    const { stdout } = await promisify(execFile)('git', ['rev-parse', '--short', 'HEAD'], options)
    return stdout.trim()
  } catch {
    return 'unknown'
  }
}

/** Name and value of each fact. */
export async function describeMachine(): Promise<readonly (readonly [string, string])[]> {
  const [cpu] = cpus()
  return [
    ['Date', new Date().toISOString().slice(0, 10)],
    ['Commit', await commit()],
    ['CPU', `${cpu?.model.trim() ?? 'unknown'}, ${availableParallelism()} cores`],
    ['Memory', `${(totalmem() / GIB).toFixed(1)} GiB`],
    ['System', `${platform()} ${release()} ${arch()}`],
    ['Node', process.version],
    ['fdatasync of 4 KiB', milliseconds(await syncMs())],
    [
      'Peers',
      Object.entries(PEER_VERSIONS)
        .map(pair => pair.join(' '))
        .join(', '),
    ],
  ]
}
