/**
 * `node bench/floods.ts [seconds of each flood] [kinds]`: what floods do to a node: its memory, the calls of an honest peer, and how long
 * a newcomer waits afterwards. Each kind floods another node first: what the honest see then is what an attacker costs who only
 * takes his share of this machine. That is what the honest leave: he runs at the lowest priority, since elsewhere he has a machine of his own. Goals: memory below 1 GiB, p99 of the honest below three times that of quiet, recovered in 30 s.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cpuMsOf } from './peer-programs/cpu-time.ts'
import { FLOODS, flood, HonestPeer } from '../test/network/flooding.ts'
import { startNode } from '../test/network/running-node.ts'

const seconds = Number(process.argv[2] ?? 60)
const kinds = FLOODS.filter(kind => process.argv.length < 4 || process.argv.includes(kind))
const CONTROL_SECONDS = 15
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
  const end = performance.now() + 5_000
  const quiet = (await honest.askWhile(() => performance.now() > end)).tookMs.sort((a, b) => a - b)
  const p99 = quiet[Math.floor(quiet.length * 0.99)] ?? 0
  process.stdout.write(
    `quiet: ${quiet.length} calls, p50 ${quiet[quiet.length >> 1]?.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms\n`,
  )
  for (const [n, kind] of kinds.entries()) {
    const control = await flood(node, honest, kind, Math.min(seconds, CONTROL_SECONDS), 221 + n, {
      target: other,
      yields: true,
    })
    const cpuBeforeMs = cpuMsOf(node.pid) ?? 0
    const { done, calls, failedCalls, p50Ms, p99Ms, residentMaxBytes, recoveredMs } = await flood(
      node,
      honest,
      kind,
      seconds,
      201 + n,
      { yields: true },
    )
    process.stdout.write(
      `${kind}: ${done} in ${seconds} s; ${calls} calls, ${failedCalls} failed, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms ` +
        `(${(p99Ms / p99).toFixed(1)} ×, ${(p99Ms / control.p99Ms).toFixed(1)} × of ${control.p99Ms.toFixed(2)} ms while another node is flooded); memory ${Math.round(residentMaxBytes / 1024 ** 2)} MiB; newcomer answered after ${recoveredMs?.toFixed(0) ?? '–'} ms; CPU of the node ${Math.round(((cpuMsOf(node.pid) ?? 0) - cpuBeforeMs) / seconds / 10)} %\n`,
    )
  }
} finally {
  await honest[Symbol.asyncDispose]()
  await node.kill()
  await other.kill()
  await rm(folder, { recursive: true })
}
