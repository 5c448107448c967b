/** Calls between two nodes over the one stream that links them. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Network } from '../../network/index.ts'
import { asModuleId, type KeyId, toBase64Url } from '../../protocol/index.ts'
import { median, quantile } from '../peer-programs/median.ts'
import type { Row } from './row.ts'
import { microseconds, milliseconds, perSecond } from './show.ts'

const PROGRAM = fileURLToPath(new URL('../programs/rpc-peer.ts', import.meta.url))
const IN_FLIGHT = 64
const CALLS = { full: 200_000, quick: 40_000 }
const REPETITIONS = 5
const GOAL_PER_SECOND = 50_000
const MODULE = asModuleId(toBase64Url(new Uint8Array(32).fill(1)))

interface Figures {
  readonly perSecond: number
  readonly latencyMs: readonly number[]
  readonly callerUs: number
}

async function measure(network: Network, peer: KeyId, calls: number, inFlight: number): Promise<Figures> {
  const latencyMs: number[] = []
  let left = calls
  const cpu = process.cpuUsage()
  const start = performance.now()
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const asked = performance.now()
      const answer = await network.call(peer, 'moduleItem', MODULE)
      if (answer?.length !== 512) throw new Error('not the answer that was expected')
      latencyMs.push(performance.now() - asked)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  const elapsedMs = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  return { perSecond: (calls / elapsedMs) * 1_000, latencyMs, callerUs: (user + system) / calls }
}

async function said<T>(child: ChildProcess): Promise<T> {
  const [message] = await once(child, 'message')
  return message as T
}

export const callsRow: Row = {
  number: 21,
  title: 'Calls between nodes',
  covers:
    'Two programs on loopback, TCP, Noise and yamux: one asks the other for 512 bytes by a peer operation, over the one ' +
    'framed stream that links them, with codecs, time limits and accounting as in a node. Nothing is read from a disk.',
  async run(context) {
    const child = fork(PROGRAM)
    try {
      const { key, address } = await said<{ key: KeyId; address: string }>(child)
      await using network = await Network.open({
        seed: new Uint8Array(32).fill(8),
        listen: [],
        peers: [address],
        trouble: (_what, failure) => context.note(failure.message),
      })
      while (!network.peers.includes(key)) await new Promise(resolve => setTimeout(resolve, 20))
      const calls = context.quick ? CALLS.quick : CALLS.full
      await measure(network, key, calls / 4, IN_FLIGHT)
      const runs: Figures[] = []
      for (let n = 0; n < REPETITIONS; n++) {
        context.signal.throwIfAborted()
        runs.push(await measure(network, key, calls / REPETITIONS, IN_FLIGHT))
      }
      const rate = median(runs.map(run => run.perSecond))
      context.add({
        what: `Calls, ${IN_FLIGHT} in flight, 512 B answers`,
        measured: `${perSecond(rate)}; CPU of the caller ${microseconds(median(runs.map(run => run.callerUs)))} each`,
        goal: `≥ ${perSecond(GOAL_PER_SECOND)}`,
        met: rate >= GOAL_PER_SECOND,
      })
      const { latencyMs } = await measure(network, key, calls / 20, 1)
      context.add({
        what: 'One call at a time',
        measured: `p50 ${milliseconds(quantile(latencyMs, 0.5))}, p99 ${milliseconds(quantile(latencyMs, 0.99))}`,
      })
    } finally {
      child.kill('SIGKILL')
    }
  },
}
