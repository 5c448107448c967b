/**
 * Restate: the released server binary, a service on its own SDK, and the chains that drive them.
 *
 * Two keyed virtual objects pass a counter back and forth by one-way sends. A hop is one durable
 * invocation: the server logs the send, invokes the other object, logs its outcome. The handler
 * keeps no state and nothing is signed, which is the least that Restate can be asked to do.
 */

import { spawn } from 'node:child_process'
import { createServer } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import { cpuMsOfAll } from './cpu-time.ts'
import { freePorts } from './free-port.ts'
import { median } from './median.ts'
import { peerFile, peerPackage, report, runProgram } from './program.ts'

interface Input {
  readonly dataFolder: string
  /** One-way sends, or calls whose answers are awaited. */
  readonly measure: 'hops' | 'calls'
  readonly runs: number
  readonly chainHops: number
  readonly pairs: number
  readonly pairHops: number
}

interface Hop {
  readonly pair: string
  readonly left: number
}

interface HopClient {
  hop(hop: Hop): unknown
}

interface Calls {
  readonly pair: string
  readonly times: number
}

interface CallClient {
  ask(left: number): Promise<number>
}

interface ObjectContext {
  readonly key: string
  objectClient(object: { readonly name: string }, key: string): CallClient
  objectSendClient(object: { readonly name: string }, key: string): HopClient
}

interface RestateSdk {
  object(definition: {
    readonly name: string
    readonly handlers: {
      hop(context: ObjectContext, hop: Hop): Promise<void>
      ask(context: ObjectContext, left: number): Promise<number>
      askAgain(context: ObjectContext, calls: Calls): Promise<number>
    }
  }): unknown
  createEndpointHandler(options: { readonly services: readonly unknown[] }): Parameters<typeof createServer>[1]
}

interface Figures {
  readonly hops: number
  readonly hopsPerSecond: number
  readonly cpuMsPerHop: number | null
}

const READY_TIMEOUT_MS = 60_000
const POLL_MS = 50
/** The first chain only waits until there is a leader. */
const FIRST_HOPS = 60
/** As many as a node makes before it is measured, of one and of each pair. */
const WARM_UP_HOPS = { hops: 400, calls: 2_000 }
const WARM_UP_PAIR_HOPS = 20
/**
 * Tuned in favour of Restate: on two cores 100 pairs gave 2,700 hops/s with 1 partition, 3,150
 * with 2, 2,750 with 4 and 1,600 with the default 24; a single chain hardly differs.
 */
const PARTITIONS = 2
const SETUP =
  `restate-server release binary, ${PARTITIONS} partitions, RUST_LOG=warn, default durability ` +
  '(replicated loglet, fsync on), SDK over HTTP/2 on Node, stateless handler, nothing signed'

const waiting = new Map<string, () => void>()

async function startService(port: number): Promise<void> {
  const sdk = peerPackage<RestateSdk>('@restatedev/restate-sdk')
  const pair = sdk.object({
    name: 'Pair',
    handlers: {
      hop: async (context, { pair, left }) => {
        if (left === 0) {
          waiting.get(pair)?.()
          return
        }
        const other = context.key === `${pair}a` ? `${pair}b` : `${pair}a`
        context.objectSendClient({ name: 'Pair' }, other).hop({ pair, left: left - 1 })
      },
      ask: async (_context, left) => left,
      askAgain: async (context, { pair, times }) => {
        const other = context.objectClient({ name: 'Pair' }, `${pair}b`)
        let answers = 0
        for (let left = times; left > 0; left--) if ((await other.ask(left)) === left) answers += 1
        return answers
      },
    },
  })
  const server = createServer({}, sdk.createEndpointHandler({ services: [pair] }))
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, '127.0.0.1', () => resolve())
  await promise
}

function startServer(dataFolder: string, ports: Ports): number {
  const binary = peerFile(`@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`)
  const child = spawn(binary, ['--no-logo', '--base-dir', dataFolder], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      RUST_LOG: 'warn',
      RESTATE_NODE_NAME: 'bench',
      RESTATE_DEFAULT_NUM_PARTITIONS: String(PARTITIONS),
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_LISTEN_MODE: 'tcp',
      RESTATE_BIND_IP: '127.0.0.1',
      RESTATE_ADVERTISED_HOST: '127.0.0.1',
      RESTATE_BIND_PORT: String(ports.fabric),
      RESTATE_INGRESS__BIND_PORT: String(ports.ingress),
      RESTATE_ADMIN__BIND_PORT: String(ports.admin),
    },
  })
  child.once('error', error => fail(`restate-server did not start: ${error.message}`))
  child.once('exit', code => fail(`restate-server ended with code ${code}`))
  if (child.pid === undefined) throw new Error('restate-server did not start')
  return child.pid
}

function fail(text: string): void {
  process.send?.({ failure: text })
}

interface Ports {
  readonly fabric: number
  readonly ingress: number
  readonly admin: number
  readonly service: number
}

/** Retries while the server starts: at first nobody listens, then partitions have no leader. */
async function untilOk(call: () => Promise<Response>): Promise<void> {
  const end = performance.now() + READY_TIMEOUT_MS
  let last = 'no answer'
  while (performance.now() < end) {
    try {
      const response = await call()
      const text = await response.text()
      if (response.ok) return
      last = `${response.status} ${text}`
    } catch (error) {
      last = String(error)
    }
    await sleep(POLL_MS)
  }
  throw new Error(`restate-server is not ready: ${last}`)
}

function post(url: string, body: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
}

class Driver {
  readonly #ports: Ports
  readonly #pids: readonly number[]
  readonly #measure: Input['measure']
  #nextPair = 0

  constructor(ports: Ports, pids: readonly number[], measure: Input['measure']) {
    this.#ports = ports
    this.#pids = pids
    this.#measure = measure
  }

  /** One call of the handler that calls the other object, over and over; its answer comes last. */
  async #calls(times: number): Promise<void> {
    const pair = `${this.#measure}${this.#nextPair++}`
    const url = `http://127.0.0.1:${this.#ports.ingress}/Pair/${pair}a/askAgain`
    const response = await post(url, { pair, times })
    const answers = await response.text()
    if (answers !== String(times)) throw new Error(`expected ${times} answers, got ${answers}`)
  }

  async #chain(hops: number): Promise<void> {
    const pair = `${this.#measure}${this.#nextPair++}`
    const { promise, resolve } = Promise.withResolvers<void>()
    waiting.set(pair, resolve)
    const url = `http://127.0.0.1:${this.#ports.ingress}/Pair/${pair}a/hop/send`
    await untilOk(() => post(url, { pair, left: hops }))
    await promise
    waiting.delete(pair)
  }

  /** Starts `pairs` chains at once; the message that starts a chain is not counted as a hop. */
  async run(pairs: number, hopsOfPair: number): Promise<Figures> {
    const hops = pairs * hopsOfPair
    const cpuBefore = cpuMsOfAll(this.#pids)
    const start = performance.now()
    const one = this.#measure === 'hops' ? this.#chain.bind(this) : this.#calls.bind(this)
    await Promise.all(Array.from({ length: pairs }, () => one(hopsOfPair)))
    const seconds = (performance.now() - start) / 1_000
    const cpuAfter = cpuMsOfAll(this.#pids)
    const cpuMs = cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore
    const cpuMsPerHop = cpuMs === null ? null : cpuMs / hops
    return { hops, hopsPerSecond: hops / seconds, cpuMsPerHop }
  }

  async medianOf(runs: number, pairs: number, hopsOfPair: number): Promise<Figures> {
    const figures: Figures[] = []
    for (let run = 0; run < runs; run++) {
      const figure = await this.run(pairs, hopsOfPair)
      report(`${pairs} pair(s): ${figure.hopsPerSecond.toFixed(0)} ${this.#measure}/s`)
      figures.push(figure)
    }
    const cpu = figures.map(figure => figure.cpuMsPerHop).filter(value => value !== null)
    return {
      hops: pairs * hopsOfPair,
      hopsPerSecond: median(figures.map(figure => figure.hopsPerSecond)),
      cpuMsPerHop: cpu.length === 0 ? null : median(cpu),
    }
  }
}

await runProgram<Input>(async input => {
  const [fabric = 0, ingress = 0, admin = 0, service = 0] = await freePorts(4)
  const ports = { fabric, ingress, admin, service }
  await startService(service)
  const serverPid = startServer(input.dataFolder, ports)
  await untilOk(() => fetch(`http://127.0.0.1:${admin}/health`))
  const deployment = { uri: `http://127.0.0.1:${service}` }
  await untilOk(() => post(`http://127.0.0.1:${admin}/deployments`, deployment))
  await new Driver(ports, [process.pid, serverPid], 'hops').run(1, FIRST_HOPS)
  const driver = new Driver(ports, [process.pid, serverPid], input.measure)
  await driver.run(1, WARM_UP_HOPS[input.measure])
  const chain = await driver.medianOf(input.runs, 1, input.chainHops)
  await driver.run(input.pairs, WARM_UP_PAIR_HOPS)
  const pairs = await driver.medianOf(input.runs, input.pairs, input.pairHops)
  return { setup: SETUP, chain, pairs: { ...pairs, pairs: input.pairs } }
})
