import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Network } from '../../network/index.ts'
import { asProcessId, toBase64Url } from '../../protocol/index.ts'
import type { RunningNode } from './running-node.ts'

/** What is done to a node. */
export const FLOODS = [
  'dials',
  'half-open',
  'subscriptions',
  'streams',
  'slow-readers',
  'nonsense',
  'unfinished',
  'giants',
  'trickles',
  'endless-frames',
  'signs-of-life',
  'resets',
] as const

const PROGRAM = fileURLToPath(new URL('programs/flooding-program.ts', import.meta.url))
const NOBODY = asProcessId(toBase64Url(new Uint8Array(32).fill(3)))
const PAUSE_MS = 5
/** Recovered is who answers a newcomer by then. */
const RECOVERED_MAX_MS = 30_000

export interface FloodFigures {
  readonly flood: (typeof FLOODS)[number]
  /** How much of it there was. */
  readonly done: number
  readonly calls: number
  readonly failedCalls: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly residentMaxBytes: number
  /** Until a node that had never been there was answered, after the flood; undefined if it was not in time. */
  readonly recoveredMs: number | undefined
}

/** Somebody with a right to be there, who asks all the time. */
export class HonestPeer implements AsyncDisposable {
  readonly #network: Network
  readonly #node: RunningNode

  private constructor(network: Network, node: RunningNode) {
    this.#network = network
    this.#node = node
  }

  static async open(node: RunningNode, seed: number): Promise<HonestPeer> {
    const network = await Network.open({
      seed: new Uint8Array(32).fill(seed),
      listen: [],
      peers: node.addresses,
      trouble: () => undefined,
    })
    return new HonestPeer(network, node)
  }

  async ask(timeoutMs = 10_000): Promise<void> {
    const [key] = this.#network.peers
    if (key === undefined) throw new Error('not linked')
    await this.#network.call(key, 'spawnEnvelope', NOBODY, { timeoutMs })
  }

  /** Asks until `over`, one call after the other; gives how long each took. */
  async askWhile(isOver: () => boolean): Promise<{ tookMs: number[]; failed: number; residentMaxBytes: number }> {
    const tookMs: number[] = []
    let [failed, residentMaxBytes] = [0, 0]
    while (!isOver()) {
      const start = performance.now()
      await this.ask().then(
        () => void tookMs.push(performance.now() - start),
        () => {
          failed += 1
        },
      )
      residentMaxBytes = Math.max(residentMaxBytes, await residentBytes(this.#node.pid))
      await new Promise(resolve => setTimeout(resolve, PAUSE_MS))
    }
    return { tookMs, failed, residentMaxBytes }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#network[Symbol.asyncDispose]()
  }
}

export interface FloodOptions {
  /** The node, if not given. */
  readonly target?: RunningNode
  /** The attacker gives way to all else on this machine. On a busy one he may then do nothing at all. */
  readonly yields?: boolean
}

/** Floods `target` for so long while `honest` asks `node`, and then sees how long a newcomer waits at `node`. */
export async function flood(
  node: RunningNode,
  honest: HonestPeer,
  kind: (typeof FLOODS)[number],
  seconds: number,
  newcomer: number,
  { target = node, yields = false }: FloodOptions = {},
): Promise<FloodFigures> {
  const [address = ''] = target.addresses
  const args = [PROGRAM, kind, address, String(seconds), ...(yields ? ['yielding'] : [])]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const said = lastLine(child)
  let isOver = false
  void said.finally(() => {
    isOver = true
  })
  const { tookMs, failed, residentMaxBytes } = await honest.askWhile(() => isOver)
  const { done } = JSON.parse((await said) || '{"done":0}') as { done: number }
  const recoveredMs = await recovery(node, newcomer)
  const sorted = tookMs.sort((a, b) => a - b)
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return {
    flood: kind,
    done,
    calls: sorted.length,
    failedCalls: failed,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    residentMaxBytes,
    recoveredMs,
  }
}

async function recovery(node: RunningNode, seed: number): Promise<number | undefined> {
  const start = performance.now()
  await using newcomer = await HonestPeer.open(node, seed)
  while (performance.now() - start < RECOVERED_MAX_MS) {
    try {
      await newcomer.ask(1_000)
      return performance.now() - start
    } catch {
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
  return undefined
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024
}

async function lastLine(child: ChildProcess): Promise<string> {
  let text = ''
  child.stdout?.on('data', piece => {
    text += String(piece)
  })
  await new Promise<void>(resolve => child.once('close', () => resolve()))
  return text.trim()
}
