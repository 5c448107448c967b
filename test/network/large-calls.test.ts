import { expect, it } from 'vitest'
import { sourceFromLog, verifyProcess } from '../../node/index.ts'
import {
  asProcessId,
  candidFields,
  candidLabel,
  candidRecord,
  type CandidType,
  decodeCandid,
  decodeCanisterOutput,
  encodeCandid,
  firstRecord,
  principalOf,
  type ProcessId,
  toBase64Url,
} from '../../protocol/index.ts'
import { ed25519Signer } from '../../sdk/index.ts'
import { asked, LARGE, often } from '../processes/canister/large-messages.ts'
import { IcCaller } from './ic-caller.ts'
import { NodesHere, type OpenNode } from './nodes-here.ts'

const SOON = { timeout: 60_000 }
const PAYLOAD_MAX = 2 * 1024 * 1024
const BLOB: CandidType = { vec: 'nat8' }

const managed = (process: ProcessId, snapshot?: Uint8Array): Uint8Array => {
  const canister_id = { principal: principalOf(process) }
  if (snapshot === undefined)
    return encodeCandid([[{ record: candidFields({ canister_id: 'principal' }) }, candidRecord({ canister_id })]])
  const type: CandidType = { record: candidFields({ canister_id: 'principal', snapshot_id: BLOB }) }
  return encodeCandid([[type, candidRecord({ canister_id, snapshot_id: snapshot })]])
}

it('canisters of different nodes tell each other 2 MiB, and one loads a snapshot of the other, as every unit finds', async () => {
  const nodes = new NodesHere(ed25519Signer(new Uint8Array(32).fill(23)))
  const [a, b] = [await nodes.open('a'), await nodes.open('b')]
  await expect.poll(() => b.node.network?.peers.length, SOON).toBe(1)
  const module = await a.client.modules.add(LARGE, { format: 'canister' })
  const spawned = async ({ client }: OpenNode): Promise<ProcessId> => {
    const policy = { computeUnits: [a.node.key, b.node.key], computeQuorum: 2 }
    return asProcessId((await client.spawn({ module, ...policy })).id)
  }
  const [here, there] = [await spawned(a), await spawned(b)]
  const [atA, atB] = [await IcCaller.open(a.node.url), await IcCaller.open(b.node.url)]
  const [first, second] = [principalOf(here), principalOf(there)]
  for (const [caller, from, to] of [
    [atA, first, second],
    [atB, second, first],
  ] as const) {
    expect(await caller.call(from, 'give', asked(PAYLOAD_MAX, to))).toMatchObject({ reply: asked(PAYLOAD_MAX) })
    expect(await caller.call(from, 'relay', asked(PAYLOAD_MAX, to))).toMatchObject({ reply: asked(PAYLOAD_MAX) })
  }
  expect(await atA.call(first, 'give', asked(PAYLOAD_MAX + 1, second))).toMatchObject({ error: 'IC0504' })
  expect(await atA.call(first, 'relay', asked(PAYLOAD_MAX + 1, second))).toMatchObject({ reply: Uint8Array.of(5) })

  expect(await atA.call(first, 'four', asked(1000, second))).toMatchObject({ reply: asked(4000) })
  const several = asked(often(4, 3 * 1024 * 1024), second)
  expect(await atA.query(first, 'all', several)).toMatchObject({ reply: asked(12 * 1024 * 1024) })
  /** Has the owner ask something of the management of a canister; what it was answered, once nothing is under way. */
  const manage = async ({ client }: OpenNode, process: ProcessId, action: string, data: Uint8Array) => {
    const tags = [
      { name: 'Canister', value: 'aaaaa-aa' },
      { name: 'Content-Type', value: 'application/candid' },
    ]
    const sent = await client.send({ process, action, tags, data })
    await sent.settled()
    for await (const { output } of client.results(process, { from: sent.slot, to: sent.slot + 20 })) {
      const given = decodeCanisterOutput(output)
      const answer = 'calls' in given ? undefined : given.answers.find(([call]) => toBase64Url(call) === sent.id)?.[1]
      if (answer?.reject !== undefined) throw new Error(answer.reject.message)
      if (answer !== undefined) return answer.reply
    }
    throw new Error('no answer')
  }
  const taken = await manage(a, here, 'take_canister_snapshot', managed(here))
  const id = firstRecord(decodeCandid(taken)).get(candidLabel('id')) as Uint8Array
  expect(await atB.query(second, 'sum')).toMatchObject({ reply: asked(0) })
  expect(await manage(b, there, 'load_canister_snapshot', managed(there, id))).toEqual(encodeCandid([]))
  expect(await atB.query(second, 'sum')).toMatchObject({ reply: asked(4000) })
  for (const [{ node }, process] of [
    [a, here],
    [b, there],
  ] as const) {
    expect(await verifyProcess(await sourceFromLog(node.log, process))).toMatchObject({ ok: true })
  }
})
