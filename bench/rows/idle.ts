/** What a process costs that nobody talks to, and what it costs to wake it. */
import { progress } from '../peer-child.ts'
import { median, quantile } from '../peer-programs/median.ts'
import { BenchNode } from './bench-node.ts'
import { addStandardModule, messageTo, post, spawnMany } from './items.ts'
import type { Row, RowContext } from './row.ts'
import { kibibytes, milliseconds, whole } from './show.ts'

interface Counts {
  /** After these many, what is bounded (open feeds, caches) is full, and the rest is per process. */
  readonly first: number
  readonly all: number
  readonly wakes: number
}

interface Held {
  readonly hibernated: number
  readonly residentBytes: number
  readonly heapBytes: number
}

/** So many that what bursts leave, some fifty megabytes more or less by luck, is little for each. */
const COUNTS: Counts = { first: 4_000, all: 24_000, wakes: 200 }
const QUICK_COUNTS: Counts = { first: 1_500, all: 3_000, wakes: 20 }
/** The least a node takes: idle processes leave their hosts at once. */
const RESIDENT_BYTES = 1_000_000
const RAM_GOAL_BYTES = 8 * 1024
const WAKE_GOAL_MS = 10
const FRAMES_TO_A_SWEEP = 600
const SWEEPS_MAX = 3
const RESULT_MAX_MS = 120_000
const RESULTS_IN_FLIGHT = 32
const BURST = 1_000

/** Sends one message to each process and reads each result; gives how many answered well. */
async function messageAll(node: BenchNode, processes: readonly string[]): Promise<number> {
  const items = processes.map(process => messageTo(process, { Action: 'Add', Quantity: '7' }))
  const limits = { signal: node.signal, timeoutMs: RESULT_MAX_MS }
  const left = (await post(node, items)).entries()
  let answered = 0
  const lane = async (): Promise<void> => {
    for (const [process, slot] of left) {
      const { status } = await node.client.result(process, slot, limits)
      if (status === 'ok') answered += 1
    }
  }
  await Promise.all(Array.from({ length: RESULTS_IN_FLIGHT }, lane))
  return answered
}

/** Spawns and messages so many, a thousand at a time: what is measured is processes, not the size of a burst. */
async function addMany(
  node: BenchNode,
  module: string,
  count: number,
): Promise<{ processes: string[]; answered: number }> {
  const processes: string[] = []
  let answered = 0
  while (processes.length < count) {
    const some = await spawnMany(node, module, Math.min(BURST, count - processes.length))
    answered += await messageAll(node, some)
    processes.push(...some)
  }
  return { processes, answered }
}

/**
 * Has the node look for idle processes: it does so once in a number of frames, so one process gets
 * as many messages, each in a frame of its own.
 */
async function sweep(node: BenchNode, process: string): Promise<void> {
  await node.quiet()
  for (let at = 0; at < FRAMES_TO_A_SWEEP; at++)
    await node.client.submit(messageTo(process, { Action: 'Get' }), { signal: node.signal })
}

async function held(node: BenchNode, processes: number, spare: string): Promise<Held> {
  let loaded = await node.ask('loadedProcesses')
  for (let tries = 0; tries < SWEEPS_MAX; tries++) {
    const before = loaded
    await sweep(node, spare)
    loaded = await node.ask('loadedProcesses')
    if (loaded >= before) break
  }
  await node.rest()
  const resident = node.residentBytes()
  const heapBytes = await node.ask('heapBytes')
  return { hibernated: processes - loaded, residentBytes: resident, heapBytes }
}

/** Reads a cell, which has the process opened in its host if it is not there; in milliseconds. */
async function readCount(node: BenchNode, process: string): Promise<number> {
  const start = performance.now()
  const count = await node.client.cell(process, 'count', { signal: node.signal })
  const elapsedMs = performance.now() - start
  if (count === undefined || new DataView(count.slice().buffer).getBigInt64(0, true) !== 7n)
    throw new Error(`process ${process} does not hold what it was given`)
  return elapsedMs
}

async function wake(node: BenchNode, context: RowContext, processes: readonly string[]): Promise<void> {
  const [asleep, awake]: [number[], number[]] = [[], []]
  for (const process of processes) {
    asleep.push(await readCount(node, process))
    awake.push(await readCount(node, process))
  }
  const costMs = median(asleep) - median(awake)
  context.add({
    what: 'Waking a hibernated process (counter, state from its checkpoint)',
    measured:
      `${milliseconds(median(asleep))}, p95 ${milliseconds(quantile(asleep, 0.95))} over HTTP; ` +
      `awake ${milliseconds(median(awake))}; difference ${milliseconds(costMs)}`,
    goal: `< ${WAKE_GOAL_MS} ms`,
    met: median(asleep) < WAKE_GOAL_MS,
  })
}

export const idleRow: Row = {
  number: 7,
  title: 'Idle processes',
  covers:
    'Standard counters on one node that keeps as few processes loaded as it can. Each is spawned, ' +
    'gets a message and is put to sleep, a thousand at a time. RAM: growth of resident memory of node and hosts ' +
    'between two counts of processes (4,000 and 24,000 in a full run), by the number of processes added, each time ' +
    'at rest: when resident memory has not changed for ten seconds. All that is resident is in it, RocksDB’s caches ' +
    'and buffers, which fill up to a bound, included; what bounded tables (4,096 processes, 8,192 feeds) hold of the ' +
    'first 4,000 is not growth. Waking: a read of a cell over HTTP of a ' +
    'process that sleeps; the value is checked; the files are in the page cache.',
  async run(context) {
    const counts = context.quick ? QUICK_COUNTS : COUNTS
    await using node = await BenchNode.start(context, { residentBytes: RESIDENT_BYTES })
    const module = await addStandardModule(node, 'counter')
    const [spare = ''] = await spawnMany(node, module, 1)
    const { processes: first, answered: answeredFirst } = await addMany(node, module, counts.first)
    const before = await held(node, counts.first, spare)
    progress(`${counts.first} processes, ${before.hibernated} hibernated`)
    const { answered: answeredRest } = await addMany(node, module, counts.all - counts.first)
    const answered = answeredFirst + answeredRest
    const after = await held(node, counts.all, spare)
    progress(`${counts.all} processes, ${after.hibernated} hibernated`)

    const slept = after.hibernated - before.hibernated
    const bytes = (after.residentBytes - before.residentBytes) / slept
    const heap = (after.heapBytes - before.heapBytes) / slept
    context.add({
      what: `RAM per hibernated process (${whole(slept)} added to ${whole(before.hibernated)})`,
      measured: `${kibibytes(bytes)} (of it the node’s own heap: ${kibibytes(heap)})`,
      goal: `≤ ${kibibytes(RAM_GOAL_BYTES)}`,
      met: bytes <= RAM_GOAL_BYTES,
    })
    await wake(node, context, first.slice(0, counts.wakes))
    context.add({
      what: `${whole(counts.all)} processes on one node, each spawned and messaged`,
      measured: `${whole(answered)} answered`,
      goal: 'all',
      met: answered === counts.all,
    })
  },
}
