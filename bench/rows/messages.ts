/** Durable signed messages: one client posts, every message gets its slot, every result is there. */
import { fromUtf8 } from '../../sdk/index.ts'
import { progress } from '../peer-child.ts'
import { median } from '../peer-programs/median.ts'
import { measureVerify } from '../peers.ts'
import { BenchNode } from './bench-node.ts'
import { addStandardModule, messageTo, post, spawnMany } from './items.ts'
import type { Row, RowContext } from './row.ts'
import { microseconds, perSecond, times, whole } from './show.ts'

interface Load {
  readonly messagesPerSecond: number
  readonly receiptsPerSecond: number
  readonly cpuUsPerMessage: number
  readonly verifyCpuUs: number
}

const PROCESSES = 1_000
const QUICK_PROCESSES = 100
const MESSAGES = 60_000
const QUICK_MESSAGES = 5_000
const REPETITIONS = 3
const MANY_GOAL = 4
const HOT_GOAL = 2
const RESULT_MAX_MS = 120_000
/** Results that are asked for at the same time. */
const RESULTS_IN_FLIGHT = 32

/** Waits for the last result of each process; it must count every message sent so far. */
async function awaitCounts(
  node: BenchNode,
  last: ReadonlyMap<string, number>,
  counts: ReadonlyMap<string, number>,
): Promise<void> {
  const limits = { signal: node.signal, timeoutMs: RESULT_MAX_MS }
  const left = last.entries()
  const lane = async (): Promise<void> => {
    for (const [process, slot] of left) {
      const result = await node.client.result(process, slot, limits)
      const expected = String(counts.get(process))
      const got = fromUtf8(result.output)
      if (got !== expected) throw new Error(`expected count ${expected}, got ${got}`)
    }
  }
  await Promise.all(Array.from({ length: RESULTS_IN_FLIGHT }, lane))
}

class Counters {
  readonly #node: BenchNode
  readonly #context: RowContext
  readonly #processes: readonly string[]
  readonly #counts = new Map<string, number>()

  constructor(node: BenchNode, context: RowContext, processes: readonly string[]) {
    this.#node = node
    this.#context = context
    this.#processes = processes
  }

  #items(messages: number): Uint8Array[] {
    return Array.from({ length: messages }, (_, at) => {
      const process = this.#processes[at % this.#processes.length] ?? ''
      this.#counts.set(process, (this.#counts.get(process) ?? 0) + 1)
      return messageTo(process, { Action: 'Add', Quantity: '1' })
    })
  }

  async load(messages: number): Promise<Load> {
    const verify = await measureVerify(this.#context)
    const items = this.#items(messages)
    let [receiptsMs, resultsMs] = [0, 0]
    const cpuUs = await this.#node.cpuUsOf(async () => {
      const start = performance.now()
      const last = await post(this.#node, items)
      receiptsMs = performance.now() - start
      await awaitCounts(this.#node, last, this.#counts)
      resultsMs = performance.now() - start
    })
    return {
      messagesPerSecond: (messages / resultsMs) * 1_000,
      receiptsPerSecond: (messages / receiptsMs) * 1_000,
      cpuUsPerMessage: cpuUs / messages,
      verifyCpuUs: verify.cpuUsPerVerify,
    }
  }
}

async function measure(
  node: BenchNode,
  context: RowContext,
  processes: readonly string[],
  goal: number,
): Promise<void> {
  const counters = new Counters(node, context, processes)
  const messages = context.quick ? QUICK_MESSAGES : MESSAGES
  // warms up; not counted
  await counters.load(messages / 5)
  const loads: Load[] = []
  for (let turn = 0; turn < (context.quick ? 1 : REPETITIONS); turn++) {
    const load = await counters.load(messages)
    progress(`${processes.length} counters: ${perSecond(load.messagesPerSecond, 'messages')}`)
    loads.push(load)
  }
  const of = (pick: (load: Load) => number): number => median(loads.map(pick))
  const ratio = of(load => load.cpuUsPerMessage / load.verifyCpuUs)
  const name = processes.length === 1 ? 'one hot process' : `${whole(processes.length)} processes`
  context.add({
    what: `CPU of node and hosts per durable message, ${name}`,
    measured: microseconds(of(load => load.cpuUsPerMessage)),
    peer: `${microseconds(of(load => load.verifyCpuUs))} (one Ed25519 verification)`,
    ratio: times(ratio),
    goal: `≤ ${goal}×`,
    met: ratio <= goal,
  })
  context.add({
    what: `Durable messages with results, ${name}`,
    measured: perSecond(
      of(load => load.messagesPerSecond),
      'messages',
    ),
    peer: `receipts ${perSecond(of(load => load.receiptsPerSecond))}`,
  })
}

export const messagesRow: Row = {
  number: 1,
  title: 'Durable signed messages',
  covers:
    'Ed25519 items signed beforehand, posted by one client over HTTP in bundles of 1,024 with 16 ' +
    'requests in flight; standard counter; every receipt comes after fdatasync; the last result ' +
    'of every process is read and its count checked. The verification it is compared with is of another message each time. CPU is that of the node and its hosts until ' +
    'both are at rest again, so feeds and indexes that are written behind the receipt are in it. ' +
    'The client is not in the CPU figure, but shares the cores, so messages/s are lower than with a client elsewhere.',
  async run(context) {
    await using node = await BenchNode.start(context)
    const module = await addStandardModule(node, 'counter')
    const count = context.quick ? QUICK_PROCESSES : PROCESSES
    await measure(node, context, await spawnMany(node, module, count), MANY_GOAL)
    await measure(node, context, await spawnMany(node, module, 1), HOT_GOAL)
  },
}
