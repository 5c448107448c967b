/** Hops on one, two and four nodes that know each other, each with processes of its own: what others cost a node. */
import { BenchNode } from './bench-node.ts'
import { type Hops, Pairs } from './hops.ts'
import { addStandardModule, spawnMany } from './items.ts'
import type { Row, RowContext } from './row.ts'
import { median } from '../peer-programs/median.ts'
import { microseconds, perSecond, times } from './show.ts'

interface Size {
  readonly count: number
  readonly linked: boolean
}

const SIZES: readonly Size[] = [
  { count: 1, linked: true },
  { count: 2, linked: true },
  { count: 2, linked: false },
  { count: 4, linked: true },
  { count: 4, linked: false },
]
const PAIRS = 20
const ROUNDS = 900
/**
 * A program that starts is compiled while it works: its first 20,000 hops cost twice as much as those after 90,000, half of it the
 * compiler's, and by how much is chance. Nodes are not started because there are others, so that is not what growth costs.
 */
const WARM_UP_STARTS = 5
const MEASURED_STARTS = 2
/** Sizes are measured in turn, so that a machine whose speed drifts does not count as growth. */
const TURNS = 3
/** Looks for the end of a chain are rare: they are in the figures, and are the more a hop, the slower the machine. */
const POLL_MS = 250
const GROWTH_GOAL = 1.1
const LISTEN = ['/ip4/127.0.0.1/tcp/0']

/** Nodes of which each knows all others, or none knows any. */
async function startNodes(
  context: RowContext,
  { count, linked }: Size,
  opened: AsyncDisposableStack,
): Promise<BenchNode[]> {
  const nodes: BenchNode[] = []
  const peer: string[] = []
  for (let n = 0; n < count; n++) {
    const node = opened.use(
      await BenchNode.start(context, { hosts: 1, ...(linked ? { listen: LISTEN, peer: [...peer] } : {}) }),
    )
    nodes.push(node)
    if (linked) peer.push(...((await node.client.node()).addresses ?? []))
  }
  return nodes
}

async function measure(context: RowContext, size: Size): Promise<Hops> {
  await using opened = new AsyncDisposableStack()
  const all: Pairs[] = []
  for (const node of await startNodes(context, size, opened)) {
    const module = await addStandardModule(node, 'relay')
    all.push(new Pairs(node, await spawnMany(node, module, PAIRS * 2)))
  }
  const run = (starts: number): Promise<Hops[]> =>
    Promise.all(all.map(pairs => pairs.measure({ pairs: PAIRS, rounds: ROUNDS, starts, pollMs: POLL_MS })))
  await run(context.quick ? 1 : WARM_UP_STARTS)
  const figures = await run(context.quick ? 1 : MEASURED_STARTS)
  return {
    hopsPerSecond: figures.reduce((sum, { hopsPerSecond }) => sum + hopsPerSecond, 0),
    cpuUsPerHop: figures.reduce((sum, { cpuUsPerHop }) => sum + cpuUsPerHop, 0) / size.count,
  }
}

export const growthRow: Row = {
  number: 24,
  title: 'Growth: one, two and four nodes',
  covers:
    'Nodes in processes of their own, each connected to each, with pairs of relays that push a message back and forth ' +
    'on their own node. All run at once on this machine, so hops a second are bounded by its cores; CPU per hop, ' +
    'of node and hosts, tells what it costs a node that there are others. As many that know nobody show how much of that is ' +
    `programs sharing the caches of these cores, and how much is peers. Each node has made ${(PAIRS * ROUNDS * WARM_UP_STARTS).toLocaleString('en')} hops ` +
    `before it is measured, so that what it costs to compile it is not in the figure. Medians of ${TURNS} turns; a ratio is of one turn.`,
  async run(context) {
    const turns: (Hops & { readonly ratio: number })[][] = SIZES.map(() => [])
    for (let turn = 0; turn < (context.quick ? 1 : TURNS); turn++) {
      let aloneUs: number | undefined
      for (const [i, size] of SIZES.entries()) {
        const hops = await measure(context, size)
        aloneUs ??= hops.cpuUsPerHop
        turns[i]?.push({ ...hops, ratio: hops.cpuUsPerHop / aloneUs })
      }
    }
    for (const [i, { count, linked }] of SIZES.entries()) {
      const of = (name: keyof Hops | 'ratio'): number => median((turns[i] ?? []).map(figures => figures[name]))
      const ratio = of('ratio')
      context.add({
        what: `CPU of node and hosts per hop, ${count} node(s)${linked ? '' : ' that know nobody'}`,
        measured: `${microseconds(of('cpuUsPerHop'))} (${perSecond(of('hopsPerSecond'), 'hops')} in all)`,
        ratio: times(ratio),
        goal: `≤ ${GROWTH_GOAL}×`,
        met: ratio <= GROWTH_GOAL,
      })
    }
  },
}
