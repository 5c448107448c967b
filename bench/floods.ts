/**
 * `node bench/floods.ts [seconds of each flood] [kinds]`: what floods do to a node: its memory, the calls of an honest peer, and how long
 * a newcomer waits afterwards. Goals: memory below 1 GiB, p99 of the honest below three times that of quiet, recovered in 30 s.
 *
 * An attacker has a machine of his own elsewhere. Here he runs at the lowest priority, and where `taskset` is, on the cores that the node
 * is not on: the node has one to itself, quiet or flooded. Each kind floods another node of that core first, which shows what of it is
 * the node's answer and what is only another program beside it.
 */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { cpuMsOf } from './peer-programs/cpu-time.ts'
import { quantile } from './peer-programs/median.ts'
import { FLOODS, flood, HonestPeer } from '../test/network/flooding.ts'
import { startNode } from '../test/network/running-node.ts'

const seconds = Number(process.argv[2] ?? 60)
const kinds = FLOODS.filter(kind => process.argv.length < 4 || process.argv.includes(kind))
const CONTROL_SECONDS = 15
const QUIET_MS = 15_000

/** Whether a program with all its threads could be bound to those cores. */
function bind(pid: number, cores: string): boolean {
  try {
    execFileSync('taskset', ['-acp', cores, String(pid)], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** The 99th percentile of what the honest wait while nobody else is there. */
async function quietP99Ms(): Promise<number> {
  const end = performance.now() + QUIET_MS
  return quantile((await honest.askWhile(() => performance.now() > end)).tookMs, 0.99)
}

const folder = await mkdtemp(join(tmpdir(), 'atoll-floods-'))
const node = await startNode(join(folder, 'node'), { listen: ['0'] })
const other = await startNode(join(folder, 'other'), { listen: ['0'] })
const honest = await HonestPeer.open(node, 200)
try {
  while (
    !(await honest.ask().then(
      () => true,
      () => false,
    ))
  )
    await new Promise(resolve => setTimeout(resolve, 50))
  const last = availableParallelism() - 1
  const isApart = last > 0 && bind(process.pid, `1-${last}`) && [node, other].every(({ pid }) => bind(pid, '0'))
  process.stdout.write(isApart ? 'the nodes have a core of their own\n' : 'nodes and attackers share all cores\n')
  for (const [n, kind] of kinds.entries()) {
    const control = await flood(node, honest, kind, Math.min(seconds, CONTROL_SECONDS), 221 + n, {
      target: other,
      yields: true,
    })
    const quietMs = await quietP99Ms()
    const cpuBeforeMs = cpuMsOf(node.pid) ?? 0
    const { done, calls, failedCalls, p50Ms, p99Ms, residentMaxBytes, recoveredMs } = await flood(
      node,
      honest,
      kind,
      seconds,
      201 + n,
      { yields: true },
    )
    const recovered = recoveredMs === undefined ? 'never' : `after ${recoveredMs.toFixed(0)} ms`
    const cpuShare = ((cpuMsOf(node.pid) ?? 0) - cpuBeforeMs) / seconds / 1_000
    const facts = [
      `${kind}: ${done} in ${seconds} s`,
      `${calls} calls, ${failedCalls} failed, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`,
      `${(p99Ms / quietMs).toFixed(1)} × of ${quietMs.toFixed(2)} ms in quiet`,
      `${(p99Ms / control.p99Ms).toFixed(1)} × of ${control.p99Ms.toFixed(2)} ms while another node is flooded`,
      `memory ${Math.round(residentMaxBytes / 1024 ** 2)} MiB`,
      `newcomer answered ${recovered}`,
      `CPU of the node ${Math.round(100 * cpuShare)} %`,
    ]
    process.stdout.write(`${facts.join('; ')}\n`)
  }
} finally {
  await honest[Symbol.asyncDispose]()
  await node.kill()
  await other.kill()
  await rm(folder, { recursive: true })
}
