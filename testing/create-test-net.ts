import { type Effects, Failure } from '../protocol/index.ts'
import type { Duration } from '../contract/index.ts'
import { microsecondsOf } from './duration.ts'
import { LiveNet } from './live-net.ts'
import { SimulatedNet } from './simulation/simulated-net.ts'
import type { TestNet, TestNetOptions } from './test-net.ts'

const LATENCY: readonly [Duration, Duration] = ['1ms', '10ms']
const DISK: readonly [Duration, Duration] = [0.1, 1]
const HOSTS: readonly [Duration, Duration] = [0, 0]
const NODES_MAX = 64

/**
 * A network of nodes in this program: the units of a real node over disks, a network and a time that are simulated.
 * With `ATOLL_TEST_URL`, the node there instead: faults, `advance` and the like then fail with `bad-config`.
 * @throws {Failure} `bad-config`
 */
export async function createTestNet(options: TestNetOptions = {}): Promise<TestNet> {
  const seed = seedOf(options.seed)
  const url = process.env['ATOLL_TEST_URL'] ?? ''
  if (url !== '') return new LiveNet(url, seed)
  const { nodes = 1, latency = LATENCY, disk = DISK, hosts = HOSTS } = options
  const names = namesOf(nodes)
  return SimulatedNet.open({
    seed,
    origin: String(seed),
    nodes: names,
    latencyUs: spanOf(latency),
    diskUs: spanOf(disk),
    hostPauseUs: spanOf(hosts),
    // What they are given was checked by the units, or is of the test's own effects.
    effects: (options.effects ?? {}) as Effects,
  })
}

function namesOf(nodes: number | readonly string[]): readonly string[] {
  const count = typeof nodes === 'number' ? nodes : nodes.length
  const isCount = Number.isInteger(count) && count >= 1 && count <= NODES_MAX
  const names = typeof nodes === 'number' ? Array.from({ length: isCount ? count : 0 }, (_, i) => `n${i + 1}`) : nodes
  if (isCount && new Set(names).size === names.length && !names.includes('')) return names
  throw new Failure('bad-config', { nodes }, { note: `expected 1 to ${NODES_MAX} nodes of different names` })
}

function seedOf(given = 1): number {
  const text = process.env['ATOLL_SEED'] ?? ''
  const seed = text === '' ? given : Number(text)
  if (Number.isSafeInteger(seed) && seed >= 0) return seed
  throw new Failure('bad-config', { seed: text === '' ? given : text }, { note: 'a seed is a whole number from 0 on' })
}

function spanOf([min, max]: readonly [Duration, Duration]): [number, number] {
  const [minUs, maxUs] = [microsecondsOf(min), microsecondsOf(max)]
  if (minUs <= maxUs) return [minUs, maxUs]
  throw new Failure('bad-config', { from: String(min), to: String(max) }, { note: 'expected the shorter time first' })
}
