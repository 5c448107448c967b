import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Network } from '../../network/index.ts'
import { nativeFrameCipher } from '../../node/crypto/frame-cipher.ts'
import {
  asKeyId,
  asMessageId,
  asModuleId,
  asProcessId,
  ed25519PublicKey,
  Failure,
  type KeyId,
  keyId,
  MODULE_SIZE_MAX_BYTES,
  type PeerOperations,
  toBase64Url,
  toUtf8,
} from '../../protocol/index.ts'
import { tempFolder } from '../log/temp-folder.ts'

const id = (n: number): string => toBase64Url(new Uint8Array(32).fill(n))
const keyOf = (n: number): KeyId => asKeyId(keyId(ed25519PublicKey(new Uint8Array(32).fill(n))))
const LOCAL = '/ip4/127.0.0.1/tcp/0'

/** A peer that answers with what it is told, and remembers what was asked. */
function paperOperations(more: Partial<PeerOperations> = {}): PeerOperations {
  const refuse = (): never => {
    throw new Failure('not-permitted')
  }
  return {
    schedule: refuse,
    spawnEnvelope: async () => undefined,
    canister: async () => undefined,
    made: async () => undefined,
    moduleItem: async () => undefined,
    frames: refuse,
    announce: refuse,
    coSign: refuse,
    heads: refuse,
    prefix: refuse,
    evidence: refuse,
    lackedComplaints: refuse,
    records: async () => [],
    trace: refuse,
    call: refuse,
    follow: refuse,
    attest: refuse,
    attestations: refuse,
    finalFrames: refuse,
    readState: refuse,
    timersChanged: refuse,
    expectedSeq: refuse,
    epoch: refuse,
    epochs: async () => [],
    holdEpoch: refuse,
    ...more,
  }
}

let networks: Network[] = []
let troubles: Failure[] = []

/** The first encrypts as nodes do, the others as libp2p does: they understand each other. */
async function open(n: number, peers: readonly string[] = []): Promise<Network> {
  const network = await Network.open({
    seed: new Uint8Array(32).fill(n),
    listen: [LOCAL],
    peers,
    cipher: n === 1 ? nativeFrameCipher : undefined,
    trouble: (_what, failure) => void troubles.push(failure),
  })
  networks.push(network)
  return network
}

async function pair(operations: PeerOperations): Promise<{ a: Network; b: Network }> {
  const b = await open(2)
  b.serve(operations)
  const a = await open(1, [b.addresses[0] ?? ''])
  a.serve(paperOperations())
  while (!a.peers.includes(b.key)) await new Promise(resolve => setTimeout(resolve, 5))
  return { a, b }
}

beforeEach(() => {
  networks = []
  troubles = []
})
afterEach(async () => {
  await Promise.all(networks.map(network => network[Symbol.asyncDispose]()))
})

describe('a link between two nodes', () => {
  it('carries a call and its answer, either way, over one stream', async () => {
    const { a, b } = await pair(paperOperations({ spawnEnvelope: async process => toUtf8(`spawn of ${process}`) }))
    expect(await a.call(b.key, 'spawnEnvelope', asProcessId(id(7)))).toEqual(toUtf8(`spawn of ${id(7)}`))
    expect(await b.call(a.key, 'spawnEnvelope', asProcessId(id(7)))).toBeUndefined()
    expect(a.counts.links).toBe(1)
    expect(b.counts.links).toBe(1)
  })

  it('writes what it encrypts as one piece: of each frame its length and its bytes', async () => {
    const { a, b } = await pair(paperOperations())
    const write = vi.spyOn(Socket.prototype, 'write')
    onTestFinished(() => void write.mockRestore())
    for (let call = 0; call < 10; call++) await a.call(b.key, 'spawnEnvelope', asProcessId(id(7)))
    const pieces = write.mock.calls.map(([piece]) => Buffer.from(piece as Uint8Array))
    expect(pieces.length).toBeGreaterThanOrEqual(20)
    for (const piece of pieces) expect(piece.length).toBe(2 + piece.readUInt16BE())
  })

  it('knows who asks by the key that was proven', async () => {
    const asked: string[] = []
    const { a, b } = await pair(paperOperations({ spawnEnvelope: async (_process, { from }) => void asked.push(from) }))
    await a.call(b.key, 'spawnEnvelope', asProcessId(id(7)))
    expect(asked).toEqual([a.key])
  })

  it('carries a long answer in parts, and lets short ones pass between them', async () => {
    const long = new Uint8Array(MODULE_SIZE_MAX_BYTES / 2).map((_byte, at) => at % 251)
    const { a, b } = await pair(paperOperations({ moduleItem: async () => long }))
    const order: string[] = []
    const item = a.call(b.key, 'moduleItem', asModuleId(id(1))).then(bytes => {
      order.push('long')
      return bytes
    })
    await a.call(b.key, 'spawnEnvelope', asProcessId(id(7)))
    order.push('short')
    expect(Buffer.compare((await item) ?? new Uint8Array(0), long)).toBe(0)
    expect(order).toEqual(['short', 'long'])
  })

  it('tells the failure that was met there, with its details', async () => {
    const { a, b } = await pair(
      paperOperations({
        frames: async () => {
          throw new Failure('unknown-process', { process: id(9) })
        },
      }),
    )
    const asked = a.call(b.key, 'frames', { process: asProcessId(id(9)), from: 0 })
    await expect(asked).rejects.toMatchObject({
      code: 'unknown-process',
      details: { process: id(9) },
    })
  })

  it('ends a wait at its time limit or when the caller ends it, and tells the other side', async () => {
    const ended: string[] = []
    const { a, b } = await pair(
      paperOperations({
        trace: (_place, { signal }) =>
          new Promise((_resolve, reject) => {
            signal?.addEventListener('abort', () => {
              ended.push('trace')
              reject(signal.reason)
            })
          }),
      }),
    )
    const place = { process: asProcessId(id(1)), message: asMessageId(id(2)), bounds: { nodes: 9, levels: 9 } }
    const soon = a.call(b.key, 'trace', place, { timeoutMs: 2_000 })
    await expect(soon).rejects.toMatchObject({ code: 'timeout' })
    while (ended.length < 1) await new Promise(resolve => setTimeout(resolve, 5))
    const aborter = new AbortController()
    const asked = a.call(b.key, 'trace', place, { signal: aborter.signal })
    while (b.counts.incoming === 0) await new Promise(resolve => setTimeout(resolve, 5))
    aborter.abort()
    await expect(asked).rejects.toMatchObject({ code: 'aborted' })
    while (ended.length < 2) await new Promise(resolve => setTimeout(resolve, 5))
    expect(b.counts.incoming).toBe(0)
  })

  it('makes few long answers at once, and the others in their turn', async () => {
    let [underWay, most] = [0, 0]
    const { a, b } = await pair(
      paperOperations({
        moduleItem: async () => {
          underWay += 1
          most = Math.max(most, underWay)
          await new Promise(resolve => setTimeout(resolve, 5))
          underWay -= 1
          return new Uint8Array(600_000)
        },
      }),
    )
    const items = await Promise.all(
      Array.from({ length: 12 }, (_, n) => a.call(b.key, 'moduleItem', asModuleId(id(n)))),
    )
    expect(items.map(item => item?.length)).toEqual(items.map(() => 600_000))
    expect(most).toBe(2)
  })

  it('gives many answers as fast as they are taken, and stops when nobody takes them', async () => {
    let made = 0
    let isOver = false
    const { a, b } = await pair(
      paperOperations({
        async *follow() {
          try {
            for (;;) {
              made += 1
              yield toUtf8(String(made))
              await Promise.resolve()
            }
          } finally {
            isOver = true
          }
        },
      }),
    )
    const call = { name: 'followResults', params: {}, query: {}, body: undefined }
    const taken: string[] = []
    for await (const bytes of a.follow(b.key, 'follow', call)) {
      taken.push(new TextDecoder().decode(bytes))
      if (taken.length === 100) break
    }
    expect(taken).toEqual(Array.from({ length: 100 }, (_, n) => String(n + 1)))
    while (!isOver) await new Promise(resolve => setTimeout(resolve, 5))
    expect(made).toBeLessThan(140)
  })

  it('fails what is under way when the peer goes, and is there again when the peer is', async () => {
    const { a, b } = await pair(paperOperations({ trace: () => new Promise(() => undefined) }))
    const asked = a.call(b.key, 'trace', {
      process: asProcessId(id(1)),
      message: asMessageId(id(2)),
      bounds: { nodes: 9, levels: 9 },
    })
    const [address = ''] = b.addresses
    await Promise.all([expect(asked).rejects.toMatchObject({ code: 'unreachable' }), b[Symbol.asyncDispose]()])
    const again = await Network.open({
      seed: new Uint8Array(32).fill(2),
      listen: [address.replace(/\/p2p.*/, '')],
      peers: [],
      trouble: () => undefined,
    })
    networks.push(again)
    again.serve(paperOperations({ spawnEnvelope: async () => toUtf8('back') }))
    while (!a.peers.includes(b.key)) await new Promise(resolve => setTimeout(resolve, 20))
    expect(await a.call(b.key, 'spawnEnvelope', asProcessId(id(7)))).toEqual(toUtf8('back'))
  })

  it('is one link though both dial at once', async () => {
    const [a, b] = [await open(1), await open(2)]
    for (const network of [a, b]) network.serve(paperOperations())
    a.control.add(b.addresses[0] ?? '')
    b.control.add(a.addresses[0] ?? '')
    const ask = async (from: Network, to: Network): Promise<void> => {
      while (!from.peers.includes(to.key)) await new Promise(resolve => setTimeout(resolve, 5))
      for (let n = 0; n < 50; n++) await from.call(to.key, 'spawnEnvelope', asProcessId(id(7)))
    }
    await Promise.all([ask(a, b), ask(b, a)])
    expect(a.peers).toEqual([b.key])
    expect(troubles).toEqual([])
  })

  it('is there for whoever waits for it, whichever side dialled: what was dialled in vain is not waited for', async () => {
    // Somebody who takes the connection and says nothing: a dial there fails, and only after its time.
    const silent = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void silent.close())
    await once(silent, 'listening')
    const a = await open(1)
    const key = keyOf(2)
    expect(a.control.learn(key, [`/ip4/127.0.0.1/tcp/${(silent.address() as AddressInfo).port}`])).toBe(true)
    const asked = a.call(key, 'spawnEnvelope', asProcessId(id(7)))
    const socket = (await once(silent, 'connection'))[0] as Socket
    socket.on('error', () => undefined)
    onTestFinished(() => void socket.destroy())
    const b = await open(2, [a.addresses[0] ?? ''])
    b.serve(paperOperations({ spawnEnvelope: async () => toUtf8('here') }))
    expect(await asked).toEqual(toUtf8('here'))
    expect(socket.destroyed).toBe(false)
  })

  it('is not dialled for again and again while a node is not reached, and is there as soon as it is', async () => {
    const a = await open(1)
    const key = keyOf(2)
    const failures: unknown[] = []
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now())
    onTestFinished(() => clock.mockRestore())
    for (let n = 0; n < 3; n++)
      await a.call(key, 'spawnEnvelope', asProcessId(id(7))).catch(error => void failures.push(error))
    clock.mockRestore()
    expect(failures).toMatchObject(Array.from({ length: 3 }, () => ({ code: 'unreachable' })))
    // The failure of one dial, given to all.
    expect(failures.every(failure => failure === failures[0])).toBe(true)
    const b = await open(2, [a.addresses[0] ?? ''])
    b.serve(paperOperations())
    while (!a.peers.includes(key)) await new Promise(resolve => setTimeout(resolve, 5))
    expect(await a.call(key, 'spawnEnvelope', asProcessId(id(7)))).toBeUndefined()
  })
})

describe('a node among peers', () => {
  it('cuts a peer that sends what is no frame, and does not speak to it for a while', async () => {
    const { a, b } = await pair(paperOperations())
    for (let n = 0; n < 2; n++) {
      const stream = await b.open(a.key, '/atoll/rpc/1')
      stream.send(new Uint8Array([0, 0, 0, 1, 0xff]))
      await new Promise(resolve => stream.addEventListener('close', resolve, { once: true }))
    }
    const [status] = a.control.list()
    expect(status).toMatchObject({ key: b.key, state: 'banned' })
    await expect(
      b.open(a.key, '/atoll/rpc/1', { signal: AbortSignal.timeout(2_000) }).then(stream => stream.closeRead()),
    ).rejects.toThrow()
    expect(a.counts.cuts).toBe(1)
  })

  it('does not speak to a peer that is blocked, until it is unblocked', async () => {
    const { a, b } = await pair(paperOperations())
    await a.control.block(b.key)
    await expect(a.call(b.key, 'spawnEnvelope', asProcessId(id(7)))).rejects.toMatchObject({
      code: 'unreachable',
    })
    expect(a.control.list().map(({ state }) => state)).toEqual(['blocked'])
    await a.control.unblock(b.key)
    while (!a.peers.includes(b.key)) await new Promise(resolve => setTimeout(resolve, 20))
    expect(await a.call(b.key, 'spawnEnvelope', asProcessId(id(7)))).toBeUndefined()
  })

  it('dials a peer that was blocked before it started once, and never again: it answers under an address that names nobody', async () => {
    const b = await open(2)
    b.serve(paperOperations())
    await using folder = await tempFolder()
    await writeFile(join(folder.path, 'blocked-peers'), `${b.key}\n`)
    const a = await Network.open({
      seed: new Uint8Array(32).fill(1),
      listen: [],
      peers: [(b.addresses[0] ?? '').replace(/\/p2p.*/, '')],
      folder: folder.path,
      trouble: () => undefined,
    })
    networks.push(a)
    await expect.poll(() => a.control.list()).toMatchObject([{ key: b.key, state: 'blocked', isKept: true }])
    await a.control.unblock(b.key)
    await expect.poll(() => a.peers).toEqual([b.key])
  })

  it('passes on what others say only after it was judged, and counts what must not be said', async () => {
    const { a, b } = await pair(paperOperations())
    const heard: string[] = []
    a.gossip.subscribe('/atoll/heads/1', (bytes, from) => {
      heard.push(`${from} ${new TextDecoder().decode(bytes)}`)
      return bytes.length === 4 ? 'accept' : 'reject'
    })
    b.gossip.subscribe('/atoll/heads/1', () => 'accept')
    for (let n = 0; heard.length === 0; n++) {
      await b.gossip.publish('/atoll/heads/1', toUtf8(`h${100 + (n % 900)}`))
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    expect(heard[0]).toMatch(new RegExp(`^${b.key} h\\d{3}$`))
    await b.gossip.publish('/atoll/heads/1', toUtf8('no head at all'))
    while (a.control.list()[0]?.offences === 0) await new Promise(resolve => setTimeout(resolve, 20))
    expect(troubles.at(-1)?.details).toMatchObject({ peer: b.key, offence: 'bad-gossip' })
  })
})
