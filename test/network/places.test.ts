import { multiaddr } from '@multiformats/multiaddr'
import { expect, it, onTestFinished } from 'vitest'
import { Places } from '../../network/host/places.ts'
import { peerIdOf } from '../../network/peers/peer-name.ts'
import { Network } from '../../network/index.ts'
import { asKeyId, type KeyId, PEERS_MAX } from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { Stranger } from './stranger.ts'

const MAX = 6

/** A node with few places, and what came to it, by name. */
class Full {
  readonly left: string[] = []
  readonly kept = new Set<KeyId>()
  readonly places = new Places({ max: MAX, isKept: key => this.kept.has(key) })
  #seeds = 1

  come(name: string, host: string, direction: 'inbound' | 'outbound' = 'inbound', isKept = false): void {
    const kind = /^[\d.]+$/.test(host) ? 'ip4' : host.includes(':') ? 'ip6' : 'dns4'
    const key = asKeyId(keyOf(this.#seeds++))
    if (isKept) this.kept.add(key)
    this.places.take({
      remotePeer: peerIdOf(key),
      remoteAddr: multiaddr(`/${kind}/${host}/tcp/1`),
      direction,
      abort: () => void this.left.push(name),
    })
  }
}

it('one host may have all places as long as nobody else wants one', () => {
  const full = new Full()
  for (let n = 0; n < MAX; n++) {
    expect(full.places.isFreeFor('192.0.2.1')).toBe(true)
    full.come(`a${n}`, '192.0.2.1')
  }
  expect(full.left).toEqual([])
  expect(full.places.isFreeFor('192.0.2.1')).toBe(false)
})

it('the host that has most gives its last to whoever has fewer, until they have as many', () => {
  const full = new Full()
  for (let n = 0; n < MAX; n++) full.come(`a${n}`, `2001:db8::${n + 1}`)
  for (const name of ['b0', 'b1', 'b2']) {
    expect(full.places.isFreeFor('192.0.2.2')).toBe(true)
    full.come(name, '192.0.2.2')
  }
  expect(full.left).toEqual(['a5', 'a4', 'a3'])
  expect(full.places.isFreeFor('192.0.2.2')).toBe(false)
  expect(full.places.isFreeFor('2001:db8:0:0')).toBe(false)
  // Two of three: nobody is better off if a third host takes one of them, but for itself.
  expect(full.places.isFreeFor('192.0.2.3')).toBe(true)
})

it('whoever came where there was no place goes himself', () => {
  const full = new Full()
  for (let n = 0; n < MAX + 3; n++) full.come(`a${n}`, '192.0.2.1')
  expect(full.left).toEqual(['a6', 'a7', 'a8'])
})

it('who was dialled stays longer than who came, and who is kept stays and counts for nobody', () => {
  const full = new Full()
  full.come('kept', '192.0.2.1', 'inbound', true)
  for (let n = 0; n < MAX - 2; n++) full.come(`a${n}`, '192.0.2.1')
  full.come('dialled', '192.0.2.1', 'outbound')
  for (const name of ['b', 'c', 'd', 'e', 'f']) full.come(name, `192.0.2.${10 + name.charCodeAt(0)}`)
  expect(full.left).toEqual(['a3', 'a2', 'a1', 'a0', 'f'])
})

it('peers that were dialled by their names are not all of one host', () => {
  const full = new Full()
  for (let n = 0; n < MAX - 2; n++) full.come(`dialled${n}`, `node${n}.example.org`, 'outbound')
  for (const name of ['a0', 'a1']) full.come(name, '192.0.2.1')
  full.come('b', '192.0.2.2')
  expect(full.left).toEqual(['a1'])
})

it('whoever has a few hosts and many keys does not keep others out of a node', async () => {
  const network = await Network.open({
    seed: new Uint8Array(32).fill(1),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    peers: [],
    trouble: () => undefined,
  })
  onTestFinished(() => network[Symbol.asyncDispose]())
  const [address = ''] = network.addresses
  const open: Stranger[] = []
  onTestFinished(async () => {
    await Promise.all(open.map(one => one[Symbol.asyncDispose]()))
  })
  const come = async (from: string): Promise<Stranger | undefined> => {
    const one = await Stranger.open(address, from).catch(() => undefined)
    if (one !== undefined) open.push(one)
    return one
  }
  while (network.counts.connections < PEERS_MAX)
    await Promise.all(Array.from({ length: 32 }, (_, n) => come(`127.0.1.${1 + n}`)))
  const attackers = open.length
  const honest = await come('127.0.0.2')
  expect(honest).toBeDefined()
  // Those whose places it did not take try again.
  await Promise.all(Array.from({ length: 32 }, (_, n) => come(`127.0.1.${1 + n}`)))
  await expect.poll(() => network.counts.connections).toBe(PEERS_MAX)
  expect(attackers).toBeGreaterThanOrEqual(PEERS_MAX)
  expect(honest?.isConnected).toBe(true)
})
