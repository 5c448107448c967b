import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ed25519KeyIdentity } from '@icp-sdk/core/identity'
import { expect, it } from 'vitest'
import { HypercoreLog } from '../../log/index.ts'
import { openKeystore, sourceFromLog, verifyProcess } from '../../node/index.ts'
import {
  candidFields,
  candidLabel,
  candidRecord,
  candidVariant,
  certifiedTree,
  decodeCandid,
  decodeIc,
  decodeRequestEnvelope,
  encodeCandid,
  firstRecord,
  type HashTree,
  isIcMap,
  lookUpValue,
  principalText,
  toHex,
  toUtf8,
} from '../../protocol/index.ts'
import { callContent, signedBy } from '../fakes/signed-requests.ts'
import { motoko } from '../processes/canister/motoko.ts'
import { COUNTER } from './programs/canisters.ts'
import { type RunningNode, startNode } from './running-node.ts'

const KILLS = 2
const CALLERS = 12
const ANYWHERE = 'ryjl3-tyaaa-aaaaa-aaaba-cai'
const NOBODY = new Uint8Array(0)
const identity = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(5))
const status = toUtf8('request_status')

interface Certified {
  readonly id: Uint8Array
  readonly reply: Uint8Array
}

const soon = (): bigint => BigInt(Date.now() + 240_000) * 1_000_000n

async function post(node: RunningNode, path: string, body: Uint8Array): Promise<ReadonlyMap<string, unknown>> {
  const response = await fetch(`${node.url}/api/${path}`, { method: 'POST', body: body as BodyInit })
  const bytes = new Uint8Array(await response.arrayBuffer())
  if (response.status !== 200) throw new Error(`${response.status}: ${Buffer.from(bytes).toString('latin1')}`)
  const map = decodeIc(bytes)
  if (!isIcMap(map)) throw new Error('no map')
  return map
}

async function rootKeyOf(node: RunningNode): Promise<Uint8Array> {
  const map = decodeIc(new Uint8Array(await (await fetch(`${node.url}/api/v2/status`)).arrayBuffer()))
  const key = isIcMap(map) ? map.get('root_key') : undefined
  if (key instanceof Uint8Array) return key
  throw new Error('no root key')
}

/** The tree of the certificate in an answer, which must hold. */
function proven(answer: ReadonlyMap<string, unknown>, rootKey: Uint8Array): HashTree {
  const certificate = answer.get('certificate')
  const tree = certificate instanceof Uint8Array ? certifiedTree(certificate, rootKey, NOBODY) : undefined
  if (tree === undefined) throw new Error(`no certificate that holds: ${[...answer].map(String).join(' ')}`)
  return tree
}

async function call(node: RunningNode, rootKey: Uint8Array, canister: Uint8Array, effective: string, method: string, arg: Uint8Array): Promise<Certified> {
  const nonce = crypto.getRandomValues(new Uint8Array(16))
  const body = await signedBy(identity, callContent({ canister_id: canister, method_name: method, arg, ingress_expiry: soon(), nonce }))
  const { id } = decodeRequestEnvelope(body)
  const tree = proven(await post(node, `v3/canister/${effective}/call`, body), rootKey)
  const reply = lookUpValue(tree, [status, id, toUtf8('reply')])
  if (reply === undefined) throw new Error('the certificate shows no reply')
  return { id, reply: reply.slice() }
}

async function install(node: RunningNode, rootKey: Uint8Array): Promise<Uint8Array> {
  const created = await call(node, rootKey, NOBODY, ANYWHERE, 'provisional_create_canister_with_cycles', encodeCandid([[{ record: [] }, candidRecord({})]]))
  const id = firstRecord(decodeCandid(created.reply)).get(candidLabel('canister_id'))
  if (typeof id !== 'object' || id === null || !('principal' in id)) throw new Error('no canister')
  const mode = { variant: candidFields({ install: 'null' }) }
  const type = { record: candidFields({ mode, canister_id: 'principal', wasm_module: { vec: 'nat8' }, arg: { vec: 'nat8' } }) }
  const value = candidRecord({ mode: candidVariant('install'), canister_id: id, wasm_module: motoko(COUNTER), arg: NOBODY })
  await call(node, rootKey, NOBODY, principalText(id.principal), 'install_code', encodeCandid([[type, value]]))
  return id.principal
}

/** Counts with many callers at once until the node is gone; all that was certified. */
async function countUntilKilled(node: RunningNode, rootKey: Uint8Array, canister: Uint8Array, enough: number): Promise<Certified[]> {
  const certified: Certified[] = []
  let isKilled = false
  const caller = async (): Promise<void> => {
    while (!isKilled) {
      certified.push(await call(node, rootKey, canister, principalText(canister), 'inc', encodeCandid([])))
      if (certified.length < enough || isKilled) continue
      isKilled = true
      await node.kill()
    }
  }
  await Promise.allSettled(Array.from({ length: CALLERS }, caller))
  return certified
}

it('what was certified is true after kill -9, and the root key is the same', { timeout: 180_000 }, async () => {
  const data = await mkdtemp(join(tmpdir(), 'atoll-test-'))
  try {
    let node = await startNode(data)
    const rootKey = await rootKeyOf(node)
    const canister = await install(node, rootKey)
    const all: Certified[] = []
    for (let kill = 0; kill < KILLS; kill++) {
      all.push(...(await countUntilKilled(node, rootKey, canister, 16 + 8 * kill)))
      node = await startNode(data)
      expect(toHex(await rootKeyOf(node))).toBe(toHex(rootKey))
      const checked = all.map(async ({ id, reply }) => {
        const paths = [[status, id]]
        const body = await signedBy(identity, { request_type: 'read_state', ingress_expiry: soon(), paths })
        const tree = proven(await post(node, `v2/canister/${principalText(canister)}/read_state`, body), rootKey)
        expect(toHex(lookUpValue(tree, [status, id, toUtf8('reply')]) ?? NOBODY)).toBe(toHex(reply))
      })
      await Promise.all(checked)
      // Each count was given once: an update that was certified has its place for good.
      const counts = all.map(({ reply }) => decodeCandid(reply)[0] as bigint)
      expect(new Set(counts).size).toBe(counts.length)
      const next = decodeCandid((await call(node, rootKey, canister, principalText(canister), 'inc', encodeCandid([]))).reply)[0] as bigint
      for (const count of counts) expect(next).toBeGreaterThan(count)
    }
    await node[Symbol.asyncDispose]()
    const { seed } = await openKeystore(join(data, 'keys'))
    await using log = await HypercoreLog.open({ directory: data, keySeed: seed })
    for (const { id } of await log.directory.processes({ limit: 10 })) {
      expect(await verifyProcess(await sourceFromLog(log, id))).toMatchObject({ ok: true })
    }
  } finally {
    await rm(data, { recursive: true, force: true, maxRetries: 5 })
  }
})
