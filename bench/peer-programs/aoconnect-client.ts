/**
 * Unmodified aoconnect against any AO network: sequential and concurrent message + result, and a
 * chain of hops between two processes. Every reply is checked, so nothing is timed that failed.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { AoconnectUrls } from '../peer-aoconnect.ts'
import type { AoClient, Result, Tag } from './aoconnect.ts'
import { openAoconnect, signingTimesMs } from './aoconnect.ts'
import { cpuMsOfAll } from './cpu-time.ts'
import { HANDLERS_LUA } from './lua-handlers.ts'
import { median, quantile } from './median.ts'
import { report, runProgram } from './program.ts'

interface Input {
  readonly urls: AoconnectUrls
  readonly messages: number
  readonly hops: number
  readonly serverPids: readonly number[]
}

const WARM_UP_MESSAGES = 3
const SIGNATURES = 30
const IN_FLIGHT = 16
const RESULT_TIMEOUT_MS = 30_000
const RESULT_POLL_MS = 5
const CHAIN_TIMEOUT_MS = 240_000
const CHAIN_POLL_MS = 250
const US_PER_MS = 1_000
const FAILURE_CHARS = 200

const action = (value: string, ...more: readonly Tag[]): Tag[] => [{ name: 'Action', value }, ...more]

class Network {
  readonly #urls: AoconnectUrls
  readonly client: AoClient
  readonly signer: ReturnType<typeof openAoconnect>['signer']

  constructor(urls: AoconnectUrls) {
    const { client, signer } = openAoconnect(urls)
    this.#urls = urls
    this.client = client
    this.signer = signer
  }

  async spawn(): Promise<string> {
    const { module, scheduler, authority } = this.#urls
    const tags = [{ name: 'Authority', value: authority }]
    const process = await this.client.spawn({ module, scheduler, signer: this.signer, tags })
    await this.evaluate(process, HANDLERS_LUA)
    return process
  }

  async evaluate(process: string, lua: string): Promise<void> {
    const result = await this.send(process, action('Eval'), lua)
    if (result.Error !== undefined && result.Error !== null && result.Error !== '') {
      throw new Error(`Lua failed: ${JSON.stringify(result.Error)}`)
    }
  }

  /** One message and its result; a unit that has no result yet is asked again. */
  async send(process: string, tags: readonly Tag[], data = ' '): Promise<Result> {
    const { client, signer } = this
    const message = await client.message({ process, data, tags, signer })
    const end = performance.now() + RESULT_TIMEOUT_MS
    for (;;) {
      const result = await client.result({ process, message })
      if (result.Messages !== undefined || result.Output !== undefined) return result
      if (performance.now() > end) throw new Error(`no result: ${JSON.stringify(result)}`)
      await sleep(RESULT_POLL_MS)
    }
  }

  /** Sends `Inc` and returns the count that came back. */
  async increment(process: string): Promise<number> {
    const result = await this.send(process, action('Inc'))
    const count = Number(result.Messages?.[0]?.Data)
    if (!Number.isInteger(count)) throw new Error(`bad reply: ${JSON.stringify(result)}`)
    return count
  }
}

function clientCpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / US_PER_MS
}

/** CPU time of the server's processes; null if it runs elsewhere. */
function serverCpuMs({ serverPids }: Input): number | null {
  return serverPids.length === 0 ? null : cpuMsOfAll(serverPids)
}

/** (after − before) / count, null if the CPU time could not be read. */
function perUnit(before: number | null, after: number | null, count: number): number | null {
  return before === null || after === null ? null : (after - before) / count
}

async function sequential(network: Network, target: string, input: Input) {
  const timesMs: number[] = []
  const cpuBefore = clientCpuMs()
  const serverBefore = serverCpuMs(input)
  const first = await network.increment(target)
  for (let i = 1; i <= input.messages; i++) {
    const start = performance.now()
    const count = await network.increment(target)
    timesMs.push(performance.now() - start)
    if (count !== first + i) throw new Error(`expected count ${first + i}, got ${count}`)
  }
  const sent = input.messages + 1
  const totalMs = timesMs.reduce((sum, time) => sum + time, 0)
  return {
    messages: input.messages,
    messageResultMedianMs: median(timesMs),
    messageResultP90Ms: quantile(timesMs, 0.9),
    sequentialMessagesPerSecond: (input.messages * 1_000) / totalMs,
    clientCpuMsPerMessage: (clientCpuMs() - cpuBefore) / sent,
    serverCpuMsPerMessage: perUnit(serverBefore, serverCpuMs(input), sent),
  }
}

/** Counts must come back all different: a unit that runs one process twice at once loses some. */
async function concurrent(network: Network, target: string, messages: number) {
  let left = messages
  const counts = new Set<number>()
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left--
      counts.add(await network.increment(target))
    }
  }
  const start = performance.now()
  const lanes = await Promise.allSettled(Array.from({ length: IN_FLIGHT }, lane))
  const seconds = (performance.now() - start) / 1_000
  const failed = lanes.find(lane => lane.status === 'rejected')
  const lost = messages - counts.size
  if (failed === undefined && lost === 0) {
    return { inFlightMessagesPerSecond: messages / seconds, inFlightFailure: null }
  }
  const reason = failed ? firstLine(String(failed.reason)) : `${lost} of ${messages} updates lost`
  report(`${IN_FLIGHT} in flight fails: ${reason}`)
  return { inFlightMessagesPerSecond: null, inFlightFailure: reason }
}

/** Error pages put their one telling line somewhere inside HTML. */
function firstLine(text: string): string {
  return (/[A-Za-z]*Error:? .*?(?=<br>|\n|$)/.exec(text)?.[0] ?? text).slice(0, FAILURE_CHARS)
}

/** The counter left at A after its latest hop, and the timestamps of its first and latest one. */
async function chainState(network: Network, a: string) {
  const result = await network.client.dryrun({ process: a, tags: action('Stats') })
  const [left, first, last] = (result.Messages?.[0]?.Data ?? '').split(' ').map(Number)
  return { left, first, last }
}

/** Starts a chain at A, to end there too, and waits for its end. */
async function chain(network: Network, a: string, hopsWanted: number) {
  const hops = hopsWanted + (hopsWanted % 2)
  const start = performance.now()
  const tags = action('Hop', { name: 'Left', value: String(hops) }, { name: 'Start', value: '1' })
  await network.send(a, tags)
  while (performance.now() < start + CHAIN_TIMEOUT_MS) {
    const { left, first, last } = await chainState(network, a)
    if (left === 0 && first !== undefined && last !== undefined) {
      const hopsWallMs = performance.now() - start
      return { hops, hopsPerSecond: (hops * 1_000) / (last - first), hopsWallMs }
    }
    await sleep(CHAIN_POLL_MS)
  }
  throw new Error(`the chain of ${hops} hops did not end`)
}

await runProgram<Input>(async input => {
  const network = new Network(input.urls)
  const signing = await signingTimesMs(network.client, network.signer, SIGNATURES)
  const start = performance.now()
  const a = await network.spawn()
  const spawnMs = performance.now() - start
  const b = await network.spawn()
  await network.evaluate(a, `Peer = '${b}'`)
  await network.evaluate(b, `Peer = '${a}'`)
  for (let i = 0; i < WARM_UP_MESSAGES; i++) await network.increment(a)
  const oneByOne = await sequential(network, a, input)
  report(`message + result ${oneByOne.messageResultMedianMs.toFixed(1)} ms (median)`)
  await chain(network, a, 2)
  const before = serverCpuMs(input)
  const hops = await chain(network, a, input.hops)
  const after = serverCpuMs(input)
  report(`${hops.hops} hops, ${hops.hopsPerSecond.toFixed(1)} hops/s`)
  // last, because some servers do not survive it
  const many = await concurrent(network, a, Math.max(input.messages, IN_FLIGHT))
  return {
    spawnMs,
    ...oneByOne,
    inFlight: IN_FLIGHT,
    ...many,
    signingMedianMs: median(signing),
    ...hops,
    serverCpuMsPerHop: perUnit(before, after, hops.hops),
  }
})
