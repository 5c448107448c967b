import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { COUNTER, compiledMotoko } from '../ic/compiled-motoko.ts'
import { progress } from '../peer-child.ts'
import { median, quantile } from '../peer-programs/median.ts'
import { BenchNode } from './bench-node.ts'
import { addModule, messageTo, spawnMany } from './items.ts'
import type { RowContext } from './row.ts'
import { mebibytes, milliseconds, whole } from './show.ts'

const WAKE_GOAL_MS = 10
const TOGETHER = 500
/** Less than a node keeps by itself: ten thousand counters would all find room, and none sleep. */
const RESIDENT_BYTES = 256 * 1024 * 1024
const QUICK_RESIDENT_BYTES = 4_000_000
/** A node looks for idle processes every two seconds. */
const SWEEP_MS = 5_000
const SWEEPS_MAX = 6
const RESULT_MAX_MS = 120_000
/** Steps through the canisters: who is woken is nobody's neighbour. */
const STRIDE = 7_919

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as NodeJS.GCFunction

/** Canisters on a node that keeps some of them loaded, and how long one that sleeps takes to answer. */
export async function sleepingCanisters(
  context: RowContext,
  kind: 'wasm32' | 'wasm64',
  counts: { canisters: number; warm: number; wakes: number },
): Promise<void> {
  await using node = await BenchNode.start(context, {
    residentBytes: context.quick ? QUICK_RESIDENT_BYTES : RESIDENT_BYTES,
  })
  const module = await addModule(node, { 'Module-Format': 'canister' }, await compiledMotoko(COUNTER, kind))
  const canisters: string[] = []
  while (canisters.length < counts.canisters) {
    const some = await spawnMany(node, module, Math.min(TOGETHER, counts.canisters - canisters.length))
    await answered(
      node,
      some.map(process => [process, 0] as const),
    )
    canisters.push(...some)
  }
  const loaded = await loadedAtRest(node)
  const bytes = node.residentBytes()
  progress(`${whole(canisters.length)} canisters of ${kind}, ${whole(loaded)} loaded, ${mebibytes(bytes)}`)
  // The first sleep: whoever was used last stays.
  const asleep = canisters.slice(0, canisters.length - loaded)
  const [waking, awake]: [number[], number[]] = [[], []]
  for (let at = 0; at < Math.min(counts.warm + counts.wakes, asleep.length); at++) {
    const canister = asleep[(at * STRIDE) % asleep.length] ?? ''
    const [first, second] = [await incrementMs(node, canister), await incrementMs(node, canister)]
    if (at < counts.warm) continue
    waking.push(first)
    awake.push(second)
  }
  const p99 = quantile(waking, 0.99)
  context.add({
    what: `${whole(canisters.length)} canisters on one node, ${whole(canisters.length - loaded)} of them hibernated: update of one that sleeps, ${kind}`,
    measured:
      `p50 ${milliseconds(median(waking))}, p99 ${milliseconds(p99)}; awake p50 ${milliseconds(median(awake))}, p99 ${milliseconds(quantile(awake, 0.99))}; ` +
      `node and hosts ${mebibytes(bytes)}`,
    goal: `< ${WAKE_GOAL_MS} ms`,
    met: p99 < WAKE_GOAL_MS,
  })
}

/** How many are loaded once nobody leaves any more. */
async function loadedAtRest(node: BenchNode): Promise<number> {
  let loaded = await node.ask('loadedProcesses')
  for (let sweeps = 0; sweeps < SWEEPS_MAX; sweeps++) {
    await sleep(SWEEP_MS, undefined, { signal: node.signal })
    const now = await node.ask('loadedProcesses')
    if (now === loaded) break
    loaded = now
  }
  return loaded
}

/** From the signed message to its result, over HTTP. */
async function incrementMs(node: BenchNode, canister: string): Promise<number> {
  const item = messageTo(canister, { Action: 'inc' }, '[]')
  // Left alone it takes this client ten milliseconds and more, now and then: no time of the node's.
  void collect({ type: 'minor' })
  const start = performance.now()
  const taken = await node.client.submit(item, { signal: node.signal })
  if (!('slot' in taken)) throw new Error('a message became a module')
  await answered(node, [[canister, taken.slot]])
  return performance.now() - start
}

async function answered(node: BenchNode, places: readonly (readonly [process: string, slot: number])[]): Promise<void> {
  const limits = { signal: node.signal, timeoutMs: RESULT_MAX_MS }
  for (const [process, slot] of places) {
    const { status, error } = await node.client.result(process, slot, limits)
    if (status !== 'ok') throw new Error(`a canister does not answer: ${error?.message ?? status}`)
  }
}
