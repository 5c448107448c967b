import { expect, it, onTestFinished } from 'vitest'
import { standardModules } from '../../node/index.ts'
import { Failure, fromUtf8, type ProcessId } from '../../protocol/index.ts'
import { type Client, connect, ed25519Signer } from '../../sdk/index.ts'
import { SeveralNodes } from './several-nodes.ts'

const SIGNER = ed25519Signer(new Uint8Array(32).fill(23))
const SOON = { timeout: 120_000 }
/** Messages that a process sends to another while both are handed over. */
const SENT = 60
/** More than one answer of a peer holds, so whoever was away has to ask again. */
const MISSED = 300

/** Sends without end, and keeps what was acknowledged: ids of messages by the slot that their receipt names. */
class Senders {
  readonly acknowledged: (readonly [slot: number, id: string])[] = []
  #goesOn = true
  readonly #running: Promise<unknown>

  constructor(clients: readonly (() => Client)[], process: ProcessId) {
    this.#running = Promise.all(clients.map(client => this.#send(client, process)))
  }

  async grown(by: number): Promise<void> {
    const wanted = this.acknowledged.length + by
    await expect.poll(() => this.acknowledged.length, SOON).toBeGreaterThanOrEqual(wanted)
  }

  async end(): Promise<void> {
    this.#goesOn = false
    await this.#running
  }

  async #send(client: () => Client, process: ProcessId): Promise<void> {
    while (this.#goesOn) {
      try {
        const { slot, id } = await client().send({ process, action: 'Add' }, { timeoutMs: 20_000 })
        this.acknowledged.push([slot, id])
      } catch (error) {
        // Nobody could be reached just now: what was not acknowledged may stand in the feed or not.
        if (!Failure.is(error) || error.blame !== 'transient') throw error
      }
    }
  }
}

it('under load, with kills of both schedulers in it and after it, a handover loses and doubles nothing', async () => {
  const nodes = await SeveralNodes.start(['a', 'b', 'c'])
  onTestFinished(() => nodes[Symbol.asyncDispose]())
  // A node that was started again has another address for clients.
  const clients = new Map<string, Client>()
  const clientOf = (name: 'a' | 'b' | 'c'): Client => {
    const { url } = nodes.of(name)
    const client = clients.get(url) ?? connect({ url, signer: SIGNER })
    clients.set(url, client)
    return client
  }
  const c = clientOf('c')
  const modules = new Map<string, string>()
  for (const { name, wasm, tags } of await standardModules()) {
    modules.set(
      name,
      await c.modules.add(wasm, {
        format: 'actor',
        tags: tags.filter(tag => tag.name !== 'Module-Format'),
      }),
    )
  }
  const spawn = (name: string, scheduler: string) =>
    c.spawn({ module: modules.get(name) ?? '', schedulers: [scheduler] })
  const counter = await spawn('counter', nodes.key('a'))
  const [sender, taker] = [await spawn('relay', nodes.key('c')), await spawn('relay', nodes.key('a'))]

  const senders = new Senders([() => c, () => c, () => (nodes.isUp('b') ? clientOf('b') : c)], counter.id)
  await senders.grown(20)
  const fan = [
    { name: 'Peer', value: taker.id },
    { name: 'Count', value: String(SENT) },
  ]
  const sent = await sender.send({ action: 'Fan-Out', tags: fan })
  // Whoever is to schedule both next is killed while it is told so.
  const handing = Promise.all(
    [counter, taker].map(({ id }) => c.processes.handover(id, { schedulers: [nodes.key('b')] })),
  )
  await nodes.kill('b')
  expect(await handing).toMatchObject([
    { epoch: 1, held: true },
    { epoch: 1, held: true },
  ])
  await nodes.start('b')
  await senders.grown(20)
  await nodes.kill('a')
  await senders.grown(20)
  await nodes.kill('b')
  await nodes.start('b')
  await senders.grown(MISSED)
  await nodes.start('a')
  await senders.grown(20)
  await senders.end()

  // What was acknowledged stands where its receipt says, and everything stands there once: at each node, whoever was away.
  for (const name of nodes.names) {
    const feed = await Array.fromAsync(clientOf(name).processes.slots(counter.id))
    expect(
      senders.acknowledged.filter(([slot, id]) => feed[slot]?.id !== id),
      `what ${name} lacks`,
    ).toEqual([])
    expect(new Set(feed.map(({ id }) => id)).size).toBe(feed.length)
    const last = await clientOf(name).result(counter.id, feed.length - 1, { timeoutMs: 60_000 })
    expect(fromUtf8(last.output)).toBe(String(feed.length - 1))
    expect(await clientOf(name).processes.get(counter.id)).toMatchObject({
      epoch: 1,
      scheduled: feed.length,
    })
  }
  const tree = await c.transport.request('trace', {
    message: sent.id,
    settled: true,
    wait_ms: 60_000,
  })
  expect(tree.root.children.map(({ status }) => status)).toEqual(Array.from({ length: SENT }, () => 'ok'))
  expect((await c.processes.get(taker.id)).scheduled).toBe(1 + SENT)
})
