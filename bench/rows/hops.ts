/** Process-to-process hops: two processes push a message back and forth, each hop durable. */
import { setTimeout as sleep } from 'node:timers/promises'
import { progress } from '../peer-child.ts'
import { median } from '../peer-programs/median.ts'
import { measureRestate, type RestateFigures } from '../peers.ts'
import { BenchNode } from './bench-node.ts'
import { addStandardModule, messageTo, post, spawnMany } from './items.ts'
import type { Row, RowContext } from './row.ts'
import { microseconds, perSecond, times } from './show.ts'
import { waoOnce } from './wao-figures.ts'

export interface Hops {
  readonly hopsPerSecond: number
  readonly cpuUsPerHop: number
}

export interface Counts {
  readonly pairs: number
  readonly rounds: number
  /** How often each chain is started again in one measurement. */
  readonly starts: number
  /** Between two looks at whether a chain has ended. */
  readonly pollMs: number
}

const REPETITIONS = 3
/** In each of them, as Restate is measured. */
const MEASUREMENTS = 3
const WARM_UP_ROUNDS = 200
const CHAIN_POLL_MS = 5
/** Looks are requests to the node, work that no hop needs; these chains run for seconds. */
const PAIRS_POLL_MS = 50
const CHAIN_MAX_MS = 180_000
const RESTATE_GOAL = 5
const WAO_GOAL = 10

/** Pairs of relays on one node; `rounds` must be even, so that a chain ends where it began. */
export class Pairs {
  readonly #node: BenchNode
  readonly #relays: readonly string[]

  constructor(node: BenchNode, relays: readonly string[]) {
    this.#node = node
    this.#relays = relays
  }

  /** Starts one chain in each of the first `pairs` pairs and waits until all have ended. */
  async #chains({ pairs, rounds, pollMs }: Omit<Counts, 'starts'>): Promise<void> {
    const starts = Array.from({ length: pairs }, (_, pair) => {
      const [a = '', b = ''] = this.#relays.slice(2 * pair, 2 * pair + 2)
      return messageTo(a, { Action: 'Start', Peer: b, Rounds: String(rounds) })
    })
    const { client, signal } = this.#node
    const end = performance.now() + CHAIN_MAX_MS
    for (const [a, slot] of await post(this.#node, starts)) {
      // Of `rounds` pings every other one comes back to where the chain began.
      const evaluated = slot + rounds / 2 + 1
      while ((await client.processes.get(a, { signal })).evaluated < evaluated) {
        if (performance.now() > end) throw new Error(`a chain of ${rounds} hops did not end`)
        await sleep(pollMs, undefined, { signal })
      }
    }
  }

  async warmUp(pairs: number): Promise<void> {
    await this.#chains({ pairs, rounds: WARM_UP_ROUNDS, pollMs: CHAIN_POLL_MS })
  }

  async measure(counts: Counts): Promise<Hops> {
    const { pairs, rounds, starts } = counts
    const hops = pairs * rounds * starts
    let elapsedMs = 0
    const cpuUs = await this.#node.cpuUsOf(async () => {
      const start = performance.now()
      for (let turn = 0; turn < starts; turn++) await this.#chains(counts)
      elapsedMs = performance.now() - start
    })
    const figures = { hopsPerSecond: (hops / elapsedMs) * 1_000, cpuUsPerHop: cpuUs / hops }
    progress(`${pairs} pair(s): ${perSecond(figures.hopsPerSecond, 'hops')}`)
    return figures
  }
}

function show(context: RowContext, counts: Counts, ours: readonly Hops[], theirs: readonly RestateFigures[]): void {
  const hopsPerSecond = median(ours.map(one => one.hopsPerSecond))
  const cpuUs = median(ours.map(one => one.cpuUsPerHop))
  const name = counts.pairs === 1 ? 'one chain' : `${counts.pairs} pairs`
  const of = (figures: RestateFigures) => (counts.pairs === 1 ? figures.chain : figures.pairs)
  const restate = theirs.map(figures => of(figures).hopsPerSecond)
  const restateCpu = theirs.flatMap(figures => of(figures).cpuMsPerHop ?? [])
  if (restate.length === 0) {
    const measured = perSecond(hopsPerSecond, 'hops')
    context.add({ what: `Hops, ${name}`, measured, goal: `≥ ${RESTATE_GOAL}× Restate` })
  } else {
    const ratio = hopsPerSecond / median(restate)
    context.add({
      what: `Hops, ${name}, against Restate`,
      measured: perSecond(hopsPerSecond, 'hops'),
      peer: perSecond(median(restate), 'hops'),
      ratio: times(ratio),
      goal: `≥ ${RESTATE_GOAL}×`,
      met: ratio >= RESTATE_GOAL,
    })
  }
  context.add({
    what: `CPU of node and hosts per hop, ${name}`,
    measured: microseconds(cpuUs),
    ...(restateCpu.length === 0
      ? {}
      : {
          peer: `${microseconds(median(restateCpu) * 1_000)} (Restate and its service)`,
          ratio: times((median(restateCpu) * 1_000) / cpuUs),
        }),
  })
}

async function againstWao(context: RowContext, chains: readonly Hops[]): Promise<void> {
  const wao = await waoOnce(context)
  const hopsPerSecond = median(chains.map(one => one.hopsPerSecond))
  const best = Math.max(wao.wasm32.hopsPerSecond, wao.wasm64.hopsPerSecond)
  const ratio = hopsPerSecond / best
  context.add({
    what: 'Hops, one chain, against wao (its faster module; aos in Lua, memory only)',
    measured: perSecond(hopsPerSecond, 'hops'),
    peer: perSecond(best, 'hops'),
    ratio: times(ratio),
    goal: `≥ ${WAO_GOAL}×`,
    met: ratio >= WAO_GOAL,
  })
}

export const hopsRow: Row = {
  number: 2,
  title: 'Process-to-process hops',
  covers:
    'Two standard relays push a message back and forth: each hop is evaluated, certified, carried, ' +
    'given its slot and fdatasynced; nothing of it shows before, but the next hop begins meanwhile, and one ' +
    'fdatasync may cover several of a chain (decision 0037). Chains of at most 900 hops, started ' +
    'again and again (depth is bounded by 1,024); the end is seen by asking the node every ' +
    `${CHAIN_POLL_MS} ms (${PAIRS_POLL_MS} ms about pairs), which is in the figures, and comes after all of it is on ` +
    'the disk. ' +
    'Restate runs its released binary and a stateless handler, nothing signed or certified; ' +
    'wao keeps its state in memory and runs aos.',
  async run(context) {
    const one: Counts = {
      pairs: 1,
      rounds: context.quick ? 400 : 900,
      starts: context.quick ? 1 : 6,
      pollMs: CHAIN_POLL_MS,
    }
    const many: Counts = { pairs: 100, rounds: context.quick ? 40 : 400, starts: 1, pollMs: PAIRS_POLL_MS }
    const chains: Hops[] = []
    const hundreds: Hops[] = []
    const restate: RestateFigures[] = []
    {
      await using node = await BenchNode.start(context)
      const module = await addStandardModule(node, 'relay')
      const pairs = new Pairs(node, await spawnMany(node, module, many.pairs * 2))
      for (let turn = 0; turn < (context.quick ? 1 : REPETITIONS); turn++) {
        // While the other side was measured the node came to rest, and gave back compiled code with its memory.
        await pairs.warmUp(many.pairs / 10)
        for (let n = 0; n < (context.quick ? 1 : MEASUREMENTS); n++) {
          chains.push(await pairs.measure(one))
          hundreds.push(await pairs.measure(many))
        }
        if (context.peers) restate.push(await measureRestate(context))
      }
    }
    show(context, one, chains, restate)
    show(context, many, hundreds, restate)
    if (context.peers) await againstWao(context, chains)
  },
}
