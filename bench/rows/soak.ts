/** Memory of a node under steady load: it must not grow with what it has done. */
import { setTimeout as sleep } from 'node:timers/promises'
import { progress } from '../peer-child.ts'
import { median } from '../peer-programs/median.ts'
import { BenchNode } from './bench-node.ts'
import { addStandardModule, messageTo, post, spawnMany } from './items.ts'
import type { Row } from './row.ts'
import { mebibytes, perSecond, whole } from './show.ts'

interface Sample {
  readonly atMs: number
  readonly bytes: number
}

const MESSAGES_A_TURN = 2_000
const TURN_MS = 1_000
const COUNTERS = 1_000
const PAIRS = 50
const ROUNDS = 20
const SAMPLE_MS = 1_000
const TOLD_EVERY_MS = 60_000
const MS_PER_MINUTE = 60_000
const MS_PER_HOUR = 3_600_000
/** Growth over the second half that is still called flat: garbage comes and goes. */
const FLAT_SHARE = 0.05

/** Least-squares slope in bytes per millisecond. */
function slopeOf(samples: readonly Sample[]): number {
  const mean = (pick: (sample: Sample) => number): number =>
    samples.reduce((sum, sample) => sum + pick(sample), 0) / samples.length
  const [atMs, bytes] = [mean(one => one.atMs), mean(one => one.bytes)]
  let [above, below] = [0, 0]
  for (const sample of samples) {
    above += (sample.atMs - atMs) * (sample.bytes - bytes)
    below += (sample.atMs - atMs) ** 2
  }
  return below === 0 ? 0 : above / below
}

class Soak {
  readonly #node: BenchNode
  readonly #samples: Sample[] = []
  messages = 0
  hops = 0

  constructor(node: BenchNode) {
    this.#node = node
  }

  /** Posts for so long, each turn's messages at once, and samples memory beside it. */
  async run(durationMs: number): Promise<readonly Sample[]> {
    const counters = await spawnMany(this.#node, await addStandardModule(this.#node, 'counter'), COUNTERS)
    const relays = await spawnMany(this.#node, await addStandardModule(this.#node, 'relay'), 2 * PAIRS)
    const stopped = new AbortController()
    const sampling = this.#sample(stopped.signal)
    try {
      await this.#post(durationMs, counters, relays)
    } finally {
      stopped.abort()
      await sampling
    }
    return this.#samples
  }

  async #post(durationMs: number, counters: readonly string[], relays: readonly string[]): Promise<void> {
    const start = performance.now()
    let toldMs = start
    while (performance.now() - start < durationMs) {
      const turnMs = performance.now()
      await post(this.#node, itemsOf(counters, relays))
      this.messages += MESSAGES_A_TURN
      this.hops += PAIRS * ROUNDS
      if (turnMs - toldMs >= TOLD_EVERY_MS) {
        toldMs = turnMs
        progress(`soak: ${mebibytes(this.#samples.at(-1)?.bytes ?? 0)} resident`)
      }
      const leftMs = Math.max(0, TURN_MS - (performance.now() - turnMs))
      await sleep(leftMs, undefined, { signal: this.#node.signal })
    }
  }

  async #sample(signal: AbortSignal): Promise<void> {
    const start = performance.now()
    while (!signal.aborted) {
      this.#samples.push({ atMs: performance.now() - start, bytes: this.#node.residentBytes() })
      await sleep(SAMPLE_MS, undefined, { signal }).catch(() => undefined)
    }
  }
}

function itemsOf(counters: readonly string[], relays: readonly string[]): Uint8Array[] {
  const items = Array.from({ length: MESSAGES_A_TURN }, (_, at) =>
    messageTo(counters[at % counters.length] ?? '', { Action: 'Add', Quantity: '1' }),
  )
  for (let at = 0; at < relays.length; at += 2) {
    const [a = '', b = ''] = relays.slice(at, at + 2)
    items.push(messageTo(a, { Action: 'Start', Peer: b, Rounds: String(ROUNDS) }))
  }
  return items
}

export const soakRow: Row = {
  number: 8,
  title: 'Memory under load',
  covers:
    `Resident memory of node and hosts, sampled every second while one client posts ` +
    `${whole(MESSAGES_A_TURN)} messages a second to ${whole(COUNTERS)} counters and ${PAIRS} pairs of ` +
    `relays make ${whole(PAIRS * ROUNDS)} hops a second (as far as the machine keeps up). The slope is ` +
    `that of a line through the second half; flat means that the second half grew by less than ` +
    `${FLAT_SHARE * 100} %. Disk is not bounded here: feeds keep everything.`,
  async run(context) {
    if (context.soakMinutes === 0) return
    await using node = await BenchNode.start(context)
    const soak = new Soak(node)
    const start = performance.now()
    const samples = await soak.run(context.soakMinutes * MS_PER_MINUTE)
    const seconds = (performance.now() - start) / 1_000
    const half = samples.slice(Math.floor(samples.length / 2))
    const slope = slopeOf(half)
    const spanMs = (half.at(-1)?.atMs ?? 0) - (half[0]?.atMs ?? 0)
    const level = median(half.map(one => one.bytes))
    const grown = (slope * spanMs) / level
    context.add({
      what: `Memory of node and hosts over ${context.soakMinutes} min of load`,
      measured:
        `${mebibytes(level)} in the second half, slope ${mebibytes(slope * MS_PER_HOUR)}/h ` +
        `(${(grown * 100).toFixed(1)} % of it), most ${mebibytes(Math.max(...samples.map(one => one.bytes)))}`,
      peer: `${perSecond(soak.messages / seconds, 'messages')}, ${perSecond(soak.hops / seconds, 'hops')}`,
      goal: 'flat',
      met: grown <= FLAT_SHARE,
    })
    await node.rest()
    const own = node.ownResidentBytes()
    const hosts = node.residentBytes() - own
    const heap = await node.ask('heapBytes')
    context.note(
      `after the load, at rest: node ${mebibytes(own)} resident, hosts ${mebibytes(hosts)}; ` +
        `the node’s heap and buffers after a collection ${mebibytes(heap)}`,
    )
  },
}
