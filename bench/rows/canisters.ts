/** Canisters over the IC's HTTP interface: certified updates and signed queries a second, and how long one update takes. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  certifiedTree,
  decodeCandid,
  decodeIc,
  decodeRequestEnvelope,
  encodeCandid,
  candidFields,
  candidRecord,
  candidVariant,
  firstRecord,
  candidLabel,
  isIcMap,
  lookUpValue,
  principalText,
  toUtf8,
  type CandidType,
} from '../../protocol/index.ts'
import { buildMotoko } from '../../toolchain/index.ts'
import { type Answer, postAll } from '../ic/raw-posts.ts'
import { RequestSigner } from '../ic/signed-requests.ts'
import { progress } from '../peer-child.ts'
import { median } from '../peer-programs/median.ts'
import { BenchNode } from './bench-node.ts'
import type { Row } from './row.ts'
import { microseconds, milliseconds } from './show.ts'

const COUNTER = `persistent actor { var n : Nat = 0; public func inc() : async Nat { n += 1; n }; public query func get() : async Nat { n } }`
const ANYWHERE = 'ryjl3-tyaaa-aaaaa-aaaba-cai'
const CONNECTIONS = 192
const UPDATES = 12_000
const QUERIES = 30_000
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
    'run is verified against the root key. Query: POST /api/v2/…/query, signature of the sender checked, answer signed. What is ' +
    'published of the IC: 2,000 updates/s of a tuned 13-node subnet, 7,025 queries/s of one node; they include consensus among 13 and cost it, we do neither.',
  async run(context) {
    await using node = await BenchNode.start(context, { hosts: 1 })
    const signer = new RequestSigner()
    const canister = await installCounter(node.url, signer)
    const [calls, queries] = ['call', 'query'].map(action => `/api/${action === 'call' ? 'v3' : 'v2'}/canister/${principalText(canister)}/${action}`)
    const counts = context.quick ? { updates: 1_500, queries: 3_000, alone: 40 } : { updates: UPDATES, queries: QUERIES, alone: ALONE }
    const sign = (type: 'call' | 'query', method: string, count: number) => Array.from({ length: count }, () => signer.sign(type, canister, method))

    await postAll(node.url, calls ?? '', sign('call', 'inc', 500), CONNECTIONS, expectStatus)
    const alone = await postAll(node.url, calls ?? '', sign('call', 'inc', counts.alone), 1, expectStatus)
    const p50 = median(alone)
    context.add({ what: 'one update at a time, p50', measured: milliseconds(p50), goal: `≤ ${LATENCY_GOAL_MS} ms`, met: p50 <= LATENCY_GOAL_MS })

    const bodies = sign('call', 'inc', counts.updates)
    const last: { answer: Answer | undefined } = { answer: undefined }
    const updates = await load(node, counts.updates, () =>
      postAll(node.url, calls ?? '', bodies, CONNECTIONS, (answer, at) => {
        expectStatus(answer)
        if (at === bodies.length - 1) last.answer = answer
      }),
    )
    await verifyReply(node.url, canister, bodies.at(-1), last.answer)
    progress(`canisters: ${Math.round(updates.perSecond)} updates/s`)
    context.add({
      what: `certified updates, durable (${BEYOND})`,
      measured: shown(updates),
      peer: '2,000/s published',
      goal: `≥ ${UPDATES_GOAL}/s`,
      met: updates.perSecond >= UPDATES_GOAL,
    })

    const asked = sign('query', 'get', counts.queries)
    await postAll(node.url, queries ?? '', asked.slice(0, 500), CONNECTIONS, expectStatus)
    const answered = await load(node, counts.queries, () => postAll(node.url, queries ?? '', asked, CONNECTIONS, expectStatus))
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

const shown = ({ perSecond, cpuUs }: Load): string => `${Math.round(perSecond).toLocaleString('en')}/s; CPU of the node ${microseconds(cpuUs)} each`

function expectStatus({ status, body }: Answer): void {
  if (status !== 200) throw new Error(`expected 200, got ${status}: ${body.toString('latin1').slice(0, 200)}`)
}

const MODE: CandidType = { variant: candidFields({ install: 'null', reinstall: 'null' }) }
const INSTALL: CandidType = { record: candidFields({ mode: MODE, canister_id: 'principal', wasm_module: { vec: 'nat8' }, arg: { vec: 'nat8' } }) }
const CREATE: CandidType = { record: candidFields({}) }

async function installCounter(url: string, signer: RequestSigner): Promise<Uint8Array> {
  const wasm = await compileCounter()
  const nowhere = new Uint8Array(0)
  const create = signer.sign('call', nowhere, 'provisional_create_canister_with_cycles', encodeCandid([[CREATE, candidRecord({})]]))
  const made = firstRecord(decodeCandid(await replyOf(url, ANYWHERE, create))).get(candidLabel('canister_id'))
  if (typeof made !== 'object' || made === null || !('principal' in made)) throw new Error('no canister was made')
  const { principal } = made
  const argument = candidRecord({ mode: candidVariant('install'), canister_id: { principal }, wasm_module: wasm, arg: new Uint8Array(0) })
  await replyOf(url, principalText(principal), signer.sign('call', nowhere, 'install_code', encodeCandid([[INSTALL, argument]])))
  return principal
}

async function compileCounter(): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-motoko-'))
  try {
    await writeFile(join(folder, 'counter.mo'), COUNTER)
    return (await buildMotoko(join(folder, 'counter.mo'))).wasm
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function replyOf(url: string, effective: string, body: Uint8Array): Promise<Uint8Array> {
  let answer: Answer | undefined
  await postAll(url, `/api/v3/canister/${effective}/call`, [body], 1, given => {
    answer = given
  })
  return certifiedReply(url, effective, body, answer)
}

async function verifyReply(url: string, canister: Uint8Array, body: Uint8Array | undefined, answer: Answer | undefined): Promise<void> {
  await certifiedReply(url, principalText(canister), body ?? new Uint8Array(0), answer)
}

/** The reply that a certificate shows under the root key of the node. */
async function certifiedReply(url: string, canister: string, body: Uint8Array, answer: Answer | undefined): Promise<Uint8Array> {
  const map = decodeIc(answer?.body ?? new Uint8Array(0))
  const certificate = isIcMap(map) ? map.get('certificate') : undefined
  const status = decodeIc(new Uint8Array(await (await fetch(`${url}/api/v2/status`)).arrayBuffer()))
  const rootKey = isIcMap(status) ? status.get('root_key') : undefined
  if (!(certificate instanceof Uint8Array && rootKey instanceof Uint8Array)) throw new Error(`no certificate of ${canister}: ${JSON.stringify([...(isIcMap(map) ? map : [])].map(String))}`)
  const tree = certifiedTree(certificate, rootKey, new Uint8Array(0))
  const { id } = decodeRequestEnvelope(body)
  const reply = tree && lookUpValue(tree, [toUtf8('request_status'), id, toUtf8('reply')])
  if (reply === undefined) throw new Error('the certificate shows no reply')
  return reply
}
