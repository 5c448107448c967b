import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { vi } from 'vitest'
import { HypercoreLog, type OpenLogOptions } from '../../log/index.ts'
import { Failure, type FeedSpec, type NewBlock } from '../../protocol/index.ts'
import { blockOf, collect, messagesOf, NODE_SEED } from '../conformance/log.ts'

/** What stands on a disk after a crash: a copy of the folder of a log that is still open. */
export async function copyAsCrashed(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, filter: path => !path.endsWith('LOCK') })
}

/** Opens such a copy, which the log would refuse otherwise. */
export function openCopy(directory: string, options: Partial<OpenLogOptions> = {}): Promise<HypercoreLog> {
  return HypercoreLog.open({ directory, keySeed: NODE_SEED, acceptRestored: true, ...options })
}

/** Files below `folder` whose names end so, absolute, with something in them. */
export async function filesOf(folder: string, ending: string): Promise<string[]> {
  const found: string[] = []
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    if (name.endsWith(ending) && (await readFile(path)).length > 0) found.push(path)
  }
  return found.sort()
}

/** The segment of the journal that is written to. */
export async function liveSegment(path: string): Promise<string> {
  const last = (await filesOf(join(path, 'journal'), '.journal')).at(-1)
  if (last === undefined) throw new Error('no segment')
  return last
}

/** Resolves when the journal is at rest: its last group is a seal, which holds no feeds and no blocks. */
export async function sealed(path: string): Promise<void> {
  const seal = Buffer.from('828080', 'hex')
  await vi.waitFor(
    async () => {
      const bytes = await readFile(await liveSegment(path))
      if (!bytes.subarray(-seal.length).equals(seal)) throw new Error('not sealed yet')
    },
    { timeout: 60_000 },
  )
}

/** Cuts bytes off the end of a file, or flips one bit of it. */
export async function damageFile(path: string, random: (max: number) => number): Promise<string> {
  const bytes = await readFile(path)
  const at = random(bytes.length)
  if (random(2) === 0) {
    await writeFile(path, bytes.subarray(0, at))
    return `${path} cut at ${at} of ${bytes.length}`
  }
  const bit = random(8)
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
  await writeFile(path, bytes)
  return `${path} bit ${bit} of byte ${at} of ${bytes.length} flipped`
}

/** Blocks that were acknowledged, by feed, as a checker apart from the log keeps them. */
export class Acknowledged {
  readonly #blocks = new Map<FeedSpec, NewBlock[]>()

  constructor(feeds: number) {
    for (let i = 0; i < feeds; i++) this.#blocks.set(messagesOf(`feed ${i}`), [])
  }

  /** Commits one more block to each feed. */
  async grow(log: HypercoreLog, text = ''): Promise<void> {
    await Promise.all(
      Array.from(this.#blocks, async ([feed, blocks]) => {
        const block = blockOf(feed, blocks.length, text)
        await log.commit([block])
        blocks.push(block)
      }),
    )
  }

  /**
   * Every acknowledged block is there, byte for byte, and found by its id; or its feed says that it is frozen
   * and what it still shows is a prefix. Gives the number of frozen feeds.
   */
  async check(log: HypercoreLog, context: string): Promise<number> {
    let frozen = 0
    for (const [feed, blocks] of this.#blocks) {
      const shown = (await collect(log.blocks(feed, 0))).map(bytes => Buffer.from(bytes).toString())
      const expected = blocks.map(({ bytes }) => Buffer.from(bytes).toString())
      const isFrozen = log.frozen.some(entry => entry.feed.process === feed.process)
      if (isFrozen) frozen++
      const wanted = isFrozen ? expected.slice(0, shown.length) : expected
      if (shown.join('|') !== wanted.join('|'))
        throw new Error(`${context}: got ${shown.length} blocks, expected ${expected.length}`)
      if (isFrozen) continue
      for (const block of blocks) {
        const [id] = block.ids
        const slot = id && (await log.messages.slotOf(feed.process, id))
        if (slot !== block.firstSlot) throw new Error(`${context}: message of slot ${block.firstSlot} is at ${slot}`)
      }
    }
    return frozen
  }
}

/** The failure with which opening is refused, or nothing; what is no failure is thrown. */
export async function refusalOf(opening: Promise<HypercoreLog>): Promise<{ log: HypercoreLog } | { failure: Failure }> {
  try {
    return { log: await opening }
  } catch (error) {
    if (Failure.is(error)) return { failure: error }
    throw error
  }
}
