import { describe, expect, it } from 'vitest'
import { RequestSigner } from '../../../bench/ic/signed-requests.ts'
import { IcKeys, ThreadedClerk } from '../../../gateway/index.ts'
import { clerkProgram } from '../../../node/index.ts'
import {
  concatBytes,
  decodeIc,
  decodeRequestEnvelope,
  encodeIc,
  ed25519Verify,
  hashOfMap,
  icMap,
  isIcMap,
  type IcValue,
  QUERIES_PENDING_MAX,
  separator,
  toUtf8,
} from '../../../protocol/index.ts'

const KEYS = new IcKeys(new Uint8Array(32).fill(7))
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
      (_, at) => signers[at % 2]?.sign('query', CANISTER, `m${at}`, toUtf8(`arg ${at}`)) ?? new Uint8Array(0),
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
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected', 'fulfilled'])
    for (const answer of answers)
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ name: 'HttpRefusal', status: 400 })
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
    expect([signature.get('timestamp'), signature.get('identity')]).toEqual([1_700_000_000_123_000_000n, KEYS.nodeId])
    const fields = Object.fromEntries([...map].filter(([key]) => key !== 'signatures'))
    const hash = hashOfMap(icMap({ ...fields, timestamp: 1_700_000_000_123_000_000n, request_id: id }))
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
      for (const answer of answers) expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'host-fault' } })
    }
  })

  it('outlives a request that it refuses with a part of a text, cut in the middle of a letter', async () => {
    await using clerk = clerkOf()
    const bad = encodeIc(icMap({ [`${'x'.repeat(39)}\u{1f600}`]: 1 }))
    const honest = new RequestSigner().sign('query', CANISTER, 'get')
    const answers = await Promise.allSettled([bad, honest].map(body => clerk.read(body, trust())))
    expect(answers[0]).toMatchObject({ status: 'rejected', reason: { name: 'HttpRefusal', status: 400 } })
    expect(answers[1]).toMatchObject({ status: 'fulfilled', value: { method: 'get' } })
  })

  it('has two messages out, however many answers each takes, and gathers what comes meanwhile', async () => {
    const name = `clerk ${Math.random()}`
    // Answers each question with the number of the message it came in: of the first two at once, of the others when it is told.
    const counting = new URL(
      `data:text/javascript,${encodeURIComponent(`
        import { parentPort } from 'node:worker_threads'
        const channel = new BroadcastChannel(${JSON.stringify(name)})
        let held = [], count = 0
        channel.onmessage = () => { for (const reply of held) parentPort.postMessage(reply); held = undefined }
        parentPort.on('message', message => {
          count += 1
          for (let at = 0; at < (message[0] & 31); at++) {
            const reply = Uint8Array.of(0x81, 0x83, 2, 1, 0x61, 48 + count)
            if (held === undefined || (count === 1 && at < 2)) parentPort.postMessage(reply)
            else held.push(reply)
          }
        })`)}`,
    )
    await using clerk = clerkOf(counting)
    using channel = {
      post: new BroadcastChannel(name),
      [Symbol.dispose]() {
        this.post.close()
      },
    }
    const turn = () => new Promise(resolve => setImmediate(resolve))
    const ask = () => clerk.read(Uint8Array.of(1), trust()).catch(refusal => refusal.message)
    const first = [ask(), ask(), ask()]
    expect(await Promise.all(first.slice(0, 2))).toEqual(['1', '1'])
    const later = []
    for (let count = 0; count < 3; count++) {
      later.push(ask())
      await turn()
      await turn()
    }
    channel.post.postMessage('go on')
    expect(await Promise.all(later)).toEqual(['2', '3', '3'])
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
    for (const answer of await waiting) expect(answer).toMatchObject({ reason: { code: 'shutting-down' } })
    await expect(ask()).rejects.toMatchObject({ code: 'shutting-down' })
  })
})
