/** Agents that await each other on one node, against durable calls of Restate. */
import { fileURLToPath } from 'node:url'
import { type Client, connect, ed25519Signer } from '../../sdk/index.ts'
import { buildAgent } from '../../toolchain/index.ts'
import { progress } from '../peer-child.ts'
import { median } from '../peer-programs/median.ts'
import { measureRestateCalls, type RestateFigures } from '../peers.ts'
import { Caller } from '../programs/agents/caller.contract.ts'
import { BenchNode } from './bench-node.ts'
import { spawnMany, signedItem } from './items.ts'
import type { Row, RowContext } from './row.ts'
import { microseconds, perSecond, times } from './show.ts'

interface Awaits {
  readonly perSecond: number
  readonly cpuUs: number
}

interface Counts {
  readonly pairs: number
  /** Awaits of each pair, one after the other. A call and its answer are two steps of depth. */
  readonly awaits: number
}

const REPETITIONS = 3
/** Of ours beside one of the other side's, which is the median of as many. */
const MEASUREMENTS = 3
/** As many as the other side makes. A request makes no more than `CHAIN_AWAITS`, which are twice as many steps of depth. */
const WARM_UP_AWAITS = 2_000
const WARM_UP_PAIR_AWAITS = 20
const CHAIN_AWAITS = 400
const REPLY_MAX_MS = 120_000
const GOAL = 5
const AGENT = fileURLToPath(new URL('../programs/agents/caller.process.ts', import.meta.url))

class Pairs {
  readonly #node: BenchNode
  readonly #client: Client
  readonly #agents: readonly string[]

  private constructor(node: BenchNode, agents: readonly string[]) {
    this.#node = node
    this.#client = connect({ url: node.url, signer: ed25519Signer(new Uint8Array(32).fill(5)) })
    this.#agents = agents
  }

  static async open(node: BenchNode, pairs: number): Promise<Pairs> {
    const { bytes } = await buildAgent(AGENT)
    const item = signedItem({ Type: 'Module', 'Module-Format': 'agent' }, undefined, bytes)
    const { signal } = node
    const { module } = await node.client.transport.request('addModule', { bytes: item }, { signal })
    return new Pairs(node, await spawnMany(node, module, 2 * pairs))
  }

  async run({ pairs, awaits }: Counts): Promise<void> {
    const answered = Array.from({ length: pairs }, async (_, pair) => {
      const [a = '', other = ''] = this.#agents.slice(2 * pair, 2 * pair + 2)
      const limits = { signal: this.#node.signal, timeoutMs: REPLY_MAX_MS }
      const answers = await this.#client.process(Caller, a).askAgain({ other, times: awaits }, limits)
      if (answers !== awaits) throw new Error(`expected ${awaits} answers, got ${answers}`)
    })
    await Promise.all(answered)
  }

  /** In every turn: while the other side is measured a node comes to rest, and gives back compiled code with its memory. */
  async warmUp(): Promise<void> {
    await this.run({ pairs: this.#agents.length / 2, awaits: WARM_UP_PAIR_AWAITS })
    for (let made = 0; made < WARM_UP_AWAITS; made += CHAIN_AWAITS) await this.run({ pairs: 1, awaits: CHAIN_AWAITS })
  }

  async measure(counts: Counts): Promise<Awaits> {
    let seconds = 0
    const cpuUs = await this.#node.cpuUsOf(async () => {
      const start = performance.now()
      await this.run(counts)
      seconds = (performance.now() - start) / 1_000
    })
    const awaits = counts.pairs * counts.awaits
    progress(`${counts.pairs} pair(s): ${perSecond(awaits / seconds, 'awaits')}`)
    return { perSecond: awaits / seconds, cpuUs: cpuUs / awaits }
  }
}

function show(
  context: RowContext,
  name: string,
  ours: readonly Awaits[],
  theirs: readonly RestateFigures['chain'][],
): void {
  const rate = median(ours.map(one => one.perSecond))
  const cpuUs = median(ours.map(one => one.cpuUs))
  const restate = theirs.map(one => one.hopsPerSecond)
  const restateCpuUs = theirs.flatMap(({ cpuMsPerHop: ms }) => (ms === null ? [] : [ms * 1_000]))
  const ratio = restate.length === 0 ? 0 : rate / median(restate)
  const goal = `≥ ${GOAL}×`
  context.add({
    what: `await round trips between two agents, ${name}`,
    measured: perSecond(rate),
    goal: `${goal} Restate`,
    ...(restate.length === 0
      ? {}
      : {
          peer: `${perSecond(median(restate))} (Restate’s durable calls)`,
          ratio: times(ratio),
          goal,
          met: ratio >= GOAL,
        }),
  })
  context.add({
    what: `CPU of node and hosts per await, ${name}`,
    measured: microseconds(cpuUs),
    ...(restateCpuUs.length === 0
      ? {}
      : {
          peer: `${microseconds(median(restateCpuUs))} (Restate and its service)`,
          ratio: times(median(restateCpuUs) / cpuUs),
        }),
  })
}

export const awaitsRow: Row = {
  number: 11,
  title: 'Agents that await each other',
  covers:
    'An agent in TypeScript asks another on the same node and awaits its answer, again and again: request and answer each have ' +
    'their slot, fdatasynced (one may cover several, decision 0037), evaluated in the engine, checked against the contract and certified. ' +
    'One client starts it over HTTP ' +
    'and waits for the last answer. Restate: a handler that awaits calls of another object, one after the other, started by one ' +
    'request over HTTP; in its journal each call and each answer is durable.',
  async run(context) {
    const one: Counts = { pairs: 1, awaits: context.quick ? 100 : CHAIN_AWAITS }
    const many: Counts = { pairs: 50, awaits: context.quick ? 10 : 60 }
    const [single, fifty]: [Awaits[], Awaits[]] = [[], []]
    const restate: RestateFigures[] = []
    {
      await using node = await BenchNode.start(context)
      const pairs = await Pairs.open(node, many.pairs)
      for (let turn = 0; turn < (context.quick ? 1 : REPETITIONS); turn++) {
        await pairs.warmUp()
        for (let n = 0; n < (context.quick ? 1 : MEASUREMENTS); n++) {
          single.push(await pairs.measure(one))
          fifty.push(await pairs.measure(many))
        }
        if (context.peers) restate.push(await measureRestateCalls(context))
      }
    }
    show(
      context,
      'one pair',
      single,
      restate.map(({ chain }) => chain),
    )
    show(
      context,
      `${many.pairs} pairs`,
      fifty,
      restate.map(({ pairs }) => pairs),
    )
  },
}
