/** Canisters over the IC's HTTP interface: certified updates and signed queries a second, and how long one update takes. */
import { principalText } from '../../protocol/index.ts'
import { COUNTER, compiledMotoko } from '../ic/compiled-motoko.ts'
import { certifiedReply, installCanister } from '../ic/ic-canister.ts'
import { type Answer, postAll } from '../ic/raw-posts.ts'
import { RequestSigner } from '../ic/signed-requests.ts'
import { progress } from '../peer-child.ts'
import { median } from '../peer-programs/median.ts'
import { BenchNode } from './bench-node.ts'
import type { Row } from './row.ts'
import { microseconds, milliseconds } from './show.ts'

const CONNECTIONS = 192
const UPDATES = 12_000
const QUERIES = 30_000
/** Asked before, not counted: the engine compiles what is hot while the first ones run. */
const WARM_QUERIES = 10_000
const ALONE = 200
const UPDATES_GOAL = 2_000
const QUERIES_GOAL = 7_000
const LATENCY_GOAL_MS = 10
const BEYOND = 'the figure of the IC is of a subnet that replicates 13 times'

export const canistersRow: Row = {
  number: 15,
  title: 'Canisters over the IC’s HTTP interface',
  covers:
    'A counter in Motoko (wasm64), requests signed beforehand with Ed25519, sent over raw sockets by a load client on the same cores. ' +
    'Update: POST /api/v3/…/call up to the certificate with the reply, its slot fsynced; every answer must carry one, and one of each ' +
    'run is verified against the root key. Query: POST /api/v2/…/query, signature of the sender checked, answer signed, once ten thousand were answered that are not counted. What is ' +
    'published of the IC: 2,000 updates/s of a tuned 13-node subnet, 7,025 queries/s of one node; they include consensus among 13 and cost it, we do neither.',
  async run(context) {
    await using node = await BenchNode.start(context, { hosts: 1 })
    const signer = new RequestSigner()
    const canister = await installCanister(node.url, signer, await compiledMotoko(COUNTER, 'wasm64'))
    const [calls, queries] = ['call', 'query'].map(
      action => `/api/${action === 'call' ? 'v3' : 'v2'}/canister/${principalText(canister)}/${action}`,
    )
    const counts = context.quick
      ? { updates: 1_500, queries: 3_000, alone: 40 }
      : { updates: UPDATES, queries: QUERIES, alone: ALONE }
    const sign = (type: 'call' | 'query', method: string, count: number) =>
      Array.from({ length: count }, () => signer.sign(type, canister, method))

    await postAll(node.url, calls ?? '', sign('call', 'inc', 500), CONNECTIONS, expectStatus)
    const alone = await postAll(node.url, calls ?? '', sign('call', 'inc', counts.alone), 1, expectStatus)
    const p50 = median(alone)
    context.add({
      what: 'one update at a time, p50',
      measured: milliseconds(p50),
      goal: `≤ ${LATENCY_GOAL_MS} ms`,
      met: p50 <= LATENCY_GOAL_MS,
    })

    const bodies = sign('call', 'inc', counts.updates)
    const last: { answer: Answer | undefined } = { answer: undefined }
    const updates = await load(node, counts.updates, () =>
      postAll(node.url, calls ?? '', bodies, CONNECTIONS, (answer, at) => {
        expectStatus(answer)
        if (at === bodies.length - 1) last.answer = answer
      }),
    )
    await certifiedReply(node.url, principalText(canister), bodies.at(-1) ?? new Uint8Array(0), last.answer)
    progress(`canisters: ${Math.round(updates.perSecond)} updates/s`)
    context.add({
      what: `certified updates, durable (${BEYOND})`,
      measured: shown(updates),
      peer: '2,000/s published',
      goal: `≥ ${UPDATES_GOAL}/s`,
      met: updates.perSecond >= UPDATES_GOAL,
    })

    await postAll(
      node.url,
      queries ?? '',
      sign('query', 'get', context.quick ? 500 : WARM_QUERIES),
      CONNECTIONS,
      expectStatus,
    )
    const asked = sign('query', 'get', counts.queries)
    const answered = await load(node, counts.queries, () =>
      postAll(node.url, queries ?? '', asked, CONNECTIONS, expectStatus),
    )
    context.add({
      what: 'signed queries (the figure of the IC is of one of 13 nodes)',
      measured: shown(answered),
      peer: '7,025/s published',
      goal: `≥ ${QUERIES_GOAL}/s`,
      met: answered.perSecond >= QUERIES_GOAL,
    })
  },
}

interface Load {
  readonly perSecond: number
  /** CPU time of node and hosts for each request: what the load client takes of the same cores is not in it. */
  readonly cpuUs: number
}

async function load(node: BenchNode, count: number, run: () => Promise<unknown>): Promise<Load> {
  const [started, usedMs] = [performance.now(), node.cpuMs()]
  await run()
  return { perSecond: (count * 1000) / (performance.now() - started), cpuUs: ((node.cpuMs() - usedMs) * 1000) / count }
}

const shown = ({ perSecond, cpuUs }: Load): string =>
  `${Math.round(perSecond).toLocaleString('en')}/s; CPU of the node ${microseconds(cpuUs)} each`

function expectStatus({ status, body }: Answer): void {
  if (status !== 200) throw new Error(`expected 200, got ${status}: ${body.toString('latin1').slice(0, 200)}`)
}
