import { describe, expect, onTestFinished, test } from 'vitest'
import { PeerRecords } from '../../node/peers/peer-records.ts'
import { atMostTwoOfANetwork, networkGroup } from '../../node/peers/network-group.ts'
import {
  Failure,
  type GossipVerdict,
  type KeyId,
  PEER_RECORD_LASTS_MS,
  PEER_RECORD_RENEWED_MS,
  PEER_RECORD_SKEW_MS,
  type PeerRecord,
  readPeerRecord,
  signPeerRecord,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { seedOf } from '../fakes/signed-items.ts'

const NOW = 1_700_000_000_000

const fields = (more: Partial<PeerRecord> = {}): Omit<PeerRecord, 'key'> => ({
  addresses: ['/ip4/10.0.0.7/tcp/7334'],
  roles: ['scheduler', 'compute'],
  versionMs: NOW,
  expiresMs: NOW + 3_600_000,
  url: 'https://node.example',
  ...more,
})

type Answer = (of: readonly KeyId[]) => readonly Uint8Array[]

/** A node among others that only talk of records. */
async function opened(log = MemoryLog.open(), known: ReadonlyMap<KeyId, readonly Uint8Array[] | Answer> = new Map()) {
  const learned = new Map<KeyId, readonly string[]>()
  const reached: KeyId[] = []
  const published: Uint8Array[] = []
  const judges: ((bytes: Uint8Array, from: KeyId) => GossipVerdict | Promise<GossipVerdict>)[] = []
  const records = await PeerRecords.open({
    key: keyOf(1),
    seed: seedOf(1),
    store: log.store,
    clock: {
      now: () => NOW,
      elapsed: () => NOW,
      // Pauses are over at once; what is said again every ten minutes is not said again here.
      sleep: (ms, options) =>
        ms < PEER_RECORD_RENEWED_MS
          ? new Promise(setImmediate)
          : new Promise(resolve => options?.signal?.addEventListener('abort', () => resolve())),
    },
    roles: ['messenger'],
    url: undefined,
    gossip: {
      publish: async (_, bytes) => void published.push(bytes),
      subscribe: (_, judge) => {
        judges.push(judge)
        return () => undefined
      },
    },
    peers: {
      linked: [...known.keys()],
      addresses: ['/ip4/10.0.0.1/tcp/1'],
      watch: () => () => undefined,
      learn: (peer, addresses) => {
        if (addresses.some(address => !address.startsWith('/'))) return false
        learned.set(peer, addresses)
        return true
      },
      reach: async peer => void reached.push(peer),
      records: async (peer, of) => {
        const answer = known.get(peer) ?? []
        return typeof answer === 'function' ? answer(of) : answer
      },
    },
    trouble: () => undefined,
  })
  onTestFinished(() => records[Symbol.dispose]())
  return { records, learned, reached, published, hear: judges[0] ?? (() => 'ignore' as const) }
}

describe('a record of a node', () => {
  test('is read as it was signed, and no bit of it can be changed', () => {
    const bytes = signPeerRecord(fields(), seedOf(2))
    expect(readPeerRecord(bytes)).toEqual({ key: keyOf(2), ...fields() })
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.slice()
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(() => readPeerRecord(changed), `bit ${bit}`).toThrow()
    }
  })

  test('of another key is no record of this one', () => {
    const [mine, theirs] = [signPeerRecord(fields(), seedOf(2)), signPeerRecord(fields({ url: undefined }), seedOf(3))]
    const spliced = new Uint8Array([...mine.subarray(0, mine.length - 64), ...theirs.subarray(theirs.length - 64)])
    expect(() => readPeerRecord(spliced)).toThrow('signature')
  })
})

describe('records of nodes', () => {
  test('the newest of a key counts: older, expired and foreign ones are never taken', async () => {
    const { records, learned, hear } = await opened()
    const hearing = (more: Partial<PeerRecord>): GossipVerdict | Promise<GossipVerdict> =>
      hear(signPeerRecord(fields(more), seedOf(2)), keyOf(9))
    expect(await hearing({})).toBe('accept')
    expect(learned.get(keyOf(2))).toEqual(['/ip4/10.0.0.7/tcp/7334'])
    const elsewhere = ['/ip4/10.6.6.6/tcp/666']
    const refused: [string, Partial<PeerRecord>, GossipVerdict][] = [
      ['the same version', { addresses: elsewhere }, 'ignore'],
      ['older', { addresses: elsewhere, versionMs: NOW - 1 }, 'ignore'],
      ['expired', { addresses: elsewhere, versionMs: NOW + 1, expiresMs: NOW }, 'ignore'],
      ['from the future', { addresses: elsewhere, versionMs: NOW + PEER_RECORD_SKEW_MS + 1 }, 'reject'],
      ['for ever', { addresses: elsewhere, versionMs: NOW + 1, expiresMs: NOW + PEER_RECORD_LASTS_MS + 2 }, 'reject'],
      ['no address', { addresses: ['nowhere'], versionMs: NOW + 1 }, 'reject'],
    ]
    for (const [what, more, verdict] of refused) {
      expect(await hearing(more), what).toBe(verdict)
      expect(records.of(keyOf(2))?.addresses, what).toEqual(['/ip4/10.0.0.7/tcp/7334'])
    }
    expect(await hear(new Uint8Array([1, 2, 3]), keyOf(9))).toBe('reject')
    expect(await hear(signPeerRecord(fields(), seedOf(1)), keyOf(9))).toBe('ignore')
    expect(await hearing({ addresses: elsewhere, versionMs: NOW + 1 })).toBe('accept')
    expect(records.of(keyOf(2))?.addresses).toEqual(elsewhere)
  })

  test('a record is kept by itself, and not with all that it came with', async () => {
    const { records, hear } = await opened()
    const bytes = signPeerRecord(fields(), seedOf(2))
    const came = new Uint8Array(64 * 1024)
    came.set(bytes, 100)
    expect(await hear(came.subarray(100, 100 + bytes.length), keyOf(9))).toBe('accept')
    const [kept] = records.ofEach([keyOf(2)])
    expect([kept, kept?.buffer.byteLength]).toEqual([bytes, bytes.length])
  })

  test('a node says where it is, asks those it meets, and tells what it knows', async () => {
    const theirs = signPeerRecord(fields(), seedOf(2))
    const { records, published } = await opened(MemoryLog.open(), new Map([[keyOf(2), [theirs]]]))
    const [own] = published
    expect(own && readPeerRecord(own)).toMatchObject({ key: keyOf(1), addresses: ['/ip4/10.0.0.1/tcp/1'] })
    await expect.poll(() => records.shared.length).toBe(2)
    expect(records.shared).toEqual([own, theirs])
  })

  test('a peer that is still starting is asked until it answers', async () => {
    let asked = 0
    const starting: Answer = () => {
      if (asked++ < 5) throw new Failure('busy')
      return [signPeerRecord(fields(), seedOf(2))]
    }
    const { records } = await opened(MemoryLog.open(), new Map([[keyOf(2), starting]]))
    await expect.poll(() => records.of(keyOf(2))?.addresses).toEqual(['/ip4/10.0.0.7/tcp/7334'])
    expect(asked).toBe(6)
  })

  test('what a peer says of itself is passed on to those who met it not, what it says of others is not', async () => {
    const [theirs, others] = [signPeerRecord(fields(), seedOf(2)), signPeerRecord(fields(), seedOf(3))]
    const { records, published } = await opened(MemoryLog.open(), new Map([[keyOf(2), [theirs, others]]]))
    await expect.poll(() => published.length).toBe(2)
    expect(records.shared).toHaveLength(3)
    expect(published[1]).toEqual(theirs)
  })

  test('a node that is not reached is asked for by its key, of each peer, and not of all at every try', async () => {
    const asked: (readonly KeyId[])[] = []
    const sought = signPeerRecord(fields({ addresses: ['/ip4/10.0.0.3/tcp/3'] }), seedOf(3))
    const peer =
      (answer: readonly Uint8Array[]): Answer =>
      of => {
        if (of.length > 0) asked.push(of)
        return of.length > 0 ? answer : []
      }
    const { records, learned } = await opened(
      MemoryLog.open(),
      new Map([
        [keyOf(2), peer([])],
        [keyOf(4), peer([sought])],
      ]),
    )
    expect(await records.find(keyOf(3))).toBe(true)
    expect(learned.get(keyOf(3))).toEqual(['/ip4/10.0.0.3/tcp/3'])
    expect(asked).toEqual([[keyOf(3)], [keyOf(3)]])
    expect(await records.find(keyOf(3))).toBe(false)
    expect(asked).toHaveLength(2)
    expect(records.ofEach([keyOf(3), keyOf(9), keyOf(1)])).toEqual([sought, records.shared[0]])
  })

  test('after a restart it knows where others are, and dials some of them first', async () => {
    const log = MemoryLog.open()
    const peers = new Map(
      [2, 3, 4, 5, 6, 7].map(n => [
        keyOf(n),
        [signPeerRecord(fields({ addresses: [`/ip4/93.184.${n < 5 ? 1 : n}.9/tcp/1`] }), seedOf(n))],
      ]),
    )
    const before = await opened(log, peers)
    await expect.poll(() => before.records.shared.length).toBe(7)
    before.records[Symbol.dispose]()
    const after = await opened(log)
    expect(after.learned.size).toBe(6)
    // Three of them are in one network: the third is left out.
    expect(after.reached).toEqual([2, 3, 5, 6].map(keyOf))
  })
})

test('networks are told apart by /24 and /48, but for those that belong to nobody', () => {
  const groups: [string, string | undefined][] = [
    ['/ip4/93.184.216.34/tcp/1', '93.184.216'],
    ['/ip4/127.0.0.1/tcp/1', undefined],
    ['/ip4/10.1.2.3/tcp/1', undefined],
    ['/ip4/172.20.2.3/tcp/1', undefined],
    ['/ip4/172.32.2.3/tcp/1', '172.32.2'],
    ['/ip6/2606:2800:220:1::5/tcp/1', '2606:2800:220'],
    ['/ip6/2606::5/tcp/1', '2606:0:0'],
    ['/ip6/fd00::5/tcp/1', undefined],
    ['/dns4/node.example/tcp/1', undefined],
  ]
  for (const [address, group] of groups) expect(networkGroup(address), address).toBe(group)
  const all = ['/ip4/1.2.3.4/tcp/1', '/ip4/1.2.3.5/tcp/1', '/ip4/1.2.3.6/tcp/1', '/ip4/1.2.4.1/tcp/1']
  expect(atMostTwoOfANetwork(all, one => [one])).toEqual([all[0], all[1], all[3]])
})
