import { Worker } from 'node:worker_threads'
import { describe, expect, it, vi } from 'vitest'
import { RequestSigner } from '../../../bench/ic/signed-requests.ts'
import { deriveIcKeys, ThreadedClerk } from '../../../gateway/index.ts'
import { clerkProgram } from '../../../node/index.ts'
import {
  concatBytes,
  decodeIc,
  decodeRequestEnvelope,
  ed25519Verify,
  hashOfMap,
  icMap,
  isIcMap,
  type IcValue,
  QUERIES_PENDING_MAX,
  separator,
  toUtf8,
} from '../../../protocol/index.ts'

const KEYS = deriveIcKeys(new Uint8Array(32).fill(7))
const SIGNER = { seed: KEYS.nodeSeed, nodeId: KEYS.nodeId }
const CANISTER = Uint8Array.of(1, 2, 3)
const clerkOf = (program: URL = clerkProgram()): ThreadedClerk => new ThreadedClerk(program, SIGNER)
const trust = () => ({ nowMs: Date.now(), rootKeys: [] })

describe('the query clerk', () => {
  it('reads queries that come together, each for whom it is from, in order', async () => {
    await using clerk = clerkOf()
    const signers = [new RequestSigner(), new RequestSigner()]
    const bodies = Array.from(
      { length: 40 },
      (_, at) =>
        signers[at % 2]?.sign('query', CANISTER, `m${at}`, toUtf8(`arg ${at}`)) ??
        new Uint8Array(0),
    )
    const read = await Promise.all(bodies.map(body => clerk.read(body, trust())))
    for (const [at, query] of read.entries()) {
      const sender = signers[at % 2]?.sender
      expect(query).toEqual({
        id: decodeRequestEnvelope(bodies[at] ?? new Uint8Array(0)).id,
        canister: CANISTER,
        method: `m${at}`,
        arg: toUtf8(`arg ${at}`),
        sender,
      })
    }
  })

  it('refuses one that is forged among others that are not', async () => {
    await using clerk = clerkOf()
    const signer = new RequestSigner()
    const honest = signer.sign('query', CANISTER, 'get')
    const forged = honest.map((byte, at) => (at === honest.length - 1 ? byte ^ 1 : byte))
    const answers = await Promise.allSettled(
      [honest, forged, signer.sign('call', CANISTER, 'get'), Uint8Array.of(1), honest].map(body =>
        clerk.read(body, trust()),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
      'fulfilled',
    ])
    for (const answer of answers)
      if (answer.status === 'rejected')
        expect(answer.reason).toMatchObject({ name: 'HttpRefusal', status: 400 })
    const late = { nowMs: Date.now() + 3_600_000, rootKeys: [] }
    await expect(clerk.read(honest, late)).rejects.toThrow(/expiry/)
  })

  it.each([
    ['reply', { reply: toUtf8('DIDL') }],
    ['reject', { reject: { code: 5, message: 'no – so it is', error: 'IC0503' } }],
  ] as const)('signs a %s as the node', async (_, answer) => {
    await using clerk = clerkOf()
    const id = new Uint8Array(32).fill(3)
    const map = decodeIc(await clerk.sign(id, answer, 1_700_000_000_123))
    if (!isIcMap(map)) throw new Error('expected a map')
    const [signature] = map.get('signatures') as readonly IcValue[]
    if (!isIcMap(signature)) throw new Error('expected a signature')
    expect([signature.get('timestamp'), signature.get('identity')]).toEqual([
      1_700_000_000_123_000_000n,
      KEYS.nodeId,
    ])
    const fields = Object.fromEntries([...map].filter(([key]) => key !== 'signatures'))
    const hash = hashOfMap(
      icMap({ ...fields, timestamp: 1_700_000_000_123_000_000n, request_id: id }),
    )
    expect(
      ed25519Verify(
        KEYS.nodeKey.subarray(-32),
        concatBytes(separator('ic-response'), hash),
        signature.get('signature') as Uint8Array,
      ),
    ).toBe(true)
  })

  it('whose thread ends fails what waits, and serves what comes after', async () => {
    const ends = new URL(
      `data:text/javascript,${encodeURIComponent("import { parentPort } from 'node:worker_threads'; parentPort.once('message', () => process.exit(1))")}`,
    )
    await using clerk = clerkOf(ends)
    const body = new RequestSigner().sign('query', CANISTER, 'get')
    for (let round = 0; round < 2; round++) {
      const answers = await Promise.allSettled([
        clerk.read(body, trust()),
        clerk.sign(new Uint8Array(32), { reply: CANISTER }, 0),
      ])
      for (const answer of answers)
        expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'host-fault' } })
    }
  })

  it('has two messages at work at most, in however many pieces the replies come', async () => {
    const packets = new URL('../../../gateway/ic/clerk-packets.ts', import.meta.url).href
    const answersOnce = new URL(
      `data:text/javascript,${encodeURIComponent(`
        import { parentPort } from 'node:worker_threads'
        import { decodeQuestions, encodeReplies } from '${packets}'
        parentPort.on('message', () => {}).once('message', message => {
          const replies = decodeQuestions(message).map(() => ({ kind: 'refused', status: 400, text: 'no' }))
          for (let at = 0; at < replies.length; at += 16) parentPort.postMessage(encodeReplies(replies.slice(at, at + 16)))
        })`)}`,
    )
    await using clerk = clerkOf(answersOnce)
    const ask = () => clerk.read(Uint8Array.of(1), trust()).catch(() => undefined)
    await Promise.all(Array.from({ length: 40 }, ask))
    const posted = vi.spyOn(Worker.prototype, 'postMessage')
    for (let turn = 0; turn < 6; turn++) {
      void ask()
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(posted).toHaveBeenCalledTimes(2)
    posted.mockRestore()
  })

  it('has a bounded number of queries wait, and tells those that wait when it closes', async () => {
    const idle = new URL(
      `data:text/javascript,${encodeURIComponent("import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => {})")}`,
    )
    const clerk = clerkOf(idle)
    const ask = () => clerk.read(Uint8Array.of(1), trust())
    const waiting = Promise.allSettled(Array.from({ length: QUERIES_PENDING_MAX }, ask))
    await expect(ask()).rejects.toMatchObject({ code: 'busy' })
    await clerk[Symbol.asyncDispose]()
    for (const answer of await waiting)
      expect(answer).toMatchObject({ reason: { code: 'shutting-down' } })
    await expect(ask()).rejects.toMatchObject({ code: 'shutting-down' })
  })
})
