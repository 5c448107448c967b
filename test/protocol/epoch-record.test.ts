import Hypercore from 'hypercore'
import { describe, expect, it } from 'vitest'
import {
  asKeyId,
  asProcessId,
  createDataItem,
  decodeEpochRecord,
  domainHash,
  encodeCbor,
  encodeEpochRecord,
  EPOCH_TAGS,
  epochHash,
  type EpochRecord,
  feedHeadHolds,
  feedKey,
  FeedTree,
  fromBase64Url,
  MalformedBytes,
  messagesFeed,
  NO_EPOCH,
  policyAt,
  type ProcessDescription,
  provenEpochs,
  readEpochItem,
  refuteEpoch,
  speaksTooLate,
  toBase64Url,
  toHex,
  unitOf,
  unitPosition,
  withEpoch,
} from '../../protocol/index.ts'
import { ed25519Signer } from '../../sdk/index.ts'

const bytes = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)
const key = (fill: number) => asKeyId(toBase64Url(bytes(fill)))
const P = asProcessId(toBase64Url(bytes(1)))
const OWNER = ed25519Signer(bytes(7))
const STRANGER = ed25519Signer(bytes(8))

const RECORD: EpochRecord = {
  process: P,
  epoch: 1,
  policy: { schedulers: [key(0x22)], schedulerQuorum: 1, computeUnits: [key(0x33), key(0x34)], computeQuorum: 2 },
  prologue: { length: 300, hash: bytes(0x55) },
  slots: 301,
  previous: NO_EPOCH,
}
const SPAWNED = {
  id: P,
  module: P,
  owner: OWNER.address,
  parent: undefined,
  tags: [],
  data: new Uint8Array(0),
  epoch: 0,
  policy: { schedulers: [key(0x11)], schedulerQuorum: 1, computeUnits: [key(0x11)], computeQuorum: 1 },
} as unknown as ProcessDescription

const itemOf = async (record: EpochRecord, signer = OWNER, tags = EPOCH_TAGS): Promise<Uint8Array> =>
  (await createDataItem({ target: record.process, tags, data: encodeEpochRecord(record) }, signer)).bytes
const check = async (record: EpochRecord, signer = OWNER): Promise<string | undefined> =>
  refuteEpoch(readEpochItem(await itemOf(record, signer)), SPAWNED, { owner: OWNER.address, last: NO_EPOCH })

describe('an epoch record', () => {
  it('has exactly these bytes', () => {
    const encoded = encodeEpochRecord(RECORD)
    const h = (fill: number): string => `5820${toHex(bytes(fill))}`
    const expected = [
      '8b01',
      h(1),
      '01',
      '81',
      h(0x22),
      '01',
      '82',
      h(0x33),
      h(0x34),
      '02',
      '19012c',
      '19012d',
      h(0x55),
      h(0),
    ].join('')
    expect(toHex(encoded)).toBe(expected)
    expect(decodeEpochRecord(encoded)).toEqual(RECORD)
    expect(epochHash(RECORD)).toEqual(domainHash('atoll/epoch/1', encoded))
  })

  it('is refused in any other form', () => {
    const encoded = encodeEpochRecord(RECORD)
    let taken = 0
    for (let at = 0; at < encoded.length; at++) {
      for (const bit of [1, 0x20, 0x80]) {
        const other = encoded.slice()
        other[at] = (other[at] ?? 0) ^ bit
        try {
          // What can be read says something else, and in one way only.
          const read = decodeEpochRecord(other)
          expect(encodeEpochRecord(read)).toEqual(other)
          expect(read).not.toEqual(RECORD)
          taken += 1
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedBytes)
        }
      }
    }
    expect(taken, 'keys, hashes and numbers may be any').toBeGreaterThan(0)
    for (let length = 0; length < encoded.length; length++)
      expect(() => decodeEpochRecord(encoded.subarray(0, length))).toThrow(MalformedBytes)
  })

  it.each<[string, Partial<EpochRecord>]>([
    ['of epoch 0', { epoch: 0 }],
    ['that leaves nothing', { prologue: { length: 0, hash: bytes(1) } }],
    ['with fewer slots than blocks', { slots: 299 }],
    ['with one scheduler twice', { policy: { ...RECORD.policy, schedulers: [key(1), key(1)], schedulerQuorum: 2 } }],
    ['with half a quorum', { policy: { ...RECORD.policy, schedulers: [key(1), key(2)] } }],
    ['in which more must agree than there are', { policy: { ...RECORD.policy, computeQuorum: 3 } }],
  ])('%s is none', (_what, change) => {
    expect(() => decodeEpochRecord(encodeEpochRecord({ ...RECORD, ...change }))).toThrow(MalformedBytes)
  })

  it('holds if the owner signed it, and only as the next one', async () => {
    expect(await check(RECORD)).toBeUndefined()
    expect(await check(RECORD, STRANGER)).toBe('another key than its owner signed it')
    expect(await check({ ...RECORD, epoch: 2 })).toContain('it is of epoch 2')
    const late = readEpochItem(await itemOf({ ...RECORD, epoch: 257 }))
    expect(refuteEpoch(late, { id: P, epoch: 256 }, { owner: OWNER.address, last: NO_EPOCH })).toBe(
      'a process has at most 256 epochs',
    )
    expect(await check({ ...RECORD, previous: bytes(9) })).toBe('it goes on from another record')
    const item = await itemOf(RECORD)
    item[70] = (item[70] ?? 0) ^ 1
    expect(() => readEpochItem(item.slice(0, -1))).toThrow(MalformedBytes)
    await expect(itemOf(RECORD, OWNER, [...EPOCH_TAGS, { name: 'X', value: 'y' }]).then(readEpochItem)).rejects.toThrow(
      MalformedBytes,
    )
    const forged = await itemOf(RECORD)
    forged[10] = (forged[10] ?? 0) ^ 1
    expect(refuteEpoch(readEpochItem(forged), SPAWNED, { owner: OWNER.address, last: NO_EPOCH })).toBe(
      'its signature does not hold',
    )
  })

  it('of a chain names the one before', async () => {
    const second = {
      ...RECORD,
      epoch: 2,
      prologue: { length: 400, hash: bytes(0x66) },
      slots: 420,
      previous: epochHash(RECORD),
    }
    const chain = [await itemOf(RECORD), await itemOf(second)]
    expect(provenEpochs(SPAWNED, chain, OWNER.address)).toMatchObject({
      epoch: 2,
      firstSlot: 420,
      earlier: [{ epoch: 0 }, { epoch: 1 }],
    })
    expect(() => provenEpochs(SPAWNED, chain.toReversed(), OWNER.address)).toThrow('epoch 1')
    const lost = [chain[0] ?? bytes(0), await itemOf({ ...second, previous: NO_EPOCH })]
    expect(() => provenEpochs(SPAWNED, lost, OWNER.address)).toThrow('another record')
  })
})

describe('epochs of a process', () => {
  const first = withEpoch(SPAWNED, RECORD)
  const same = withEpoch(first, { ...RECORD, epoch: 2, prologue: { length: 400, hash: bytes(1) }, slots: 420 })

  it('give a position to each compute unit for ever', () => {
    expect([unitOf(first, 0), unitOf(first, 1), unitOf(first, 2), unitOf(first, 3)]).toEqual([
      key(0x11),
      key(0x33),
      key(0x34),
      undefined,
    ])
    expect(unitPosition(first.policy, key(0x34))).toBe(2)
    expect(same.policy.unitsFrom, 'those that stay keep theirs').toBe(1)
    expect([speaksTooLate(first, 0, 300), speaksTooLate(first, 0, 301), speaksTooLate(first, 1, 500)]).toEqual([
      false,
      true,
      false,
    ])
  })

  it('have the word over their own blocks', () => {
    expect([0, 299, 300, 399, 400].map(at => policyAt(same, at).schedulers[0])).toEqual([
      key(0x11),
      key(0x11),
      key(0x22),
      key(0x22),
      key(0x22),
    ])
  })

  it('have feeds whose keys commit to what stays, as Hypercore computes them', () => {
    for (const length of [1, 252, 253, 300, 70_000, 2 ** 33]) {
      const feed = messagesFeed({ ...first, prologue: { length, hash: bytes(0x55) } })
      const theirs = Hypercore.key({
        version: 2,
        hash: 'blake2b',
        allowPatch: false,
        quorum: 1,
        signers: [{ signature: 'ed25519', publicKey: Buffer.from(bytes(0x22)) }],
        prologue: { length, hash: Buffer.from(bytes(0x55)) },
        userData: Buffer.from(encodeCbor(['messages', fromBase64Url(P), 1])),
      })
      expect(toHex(feedKey(feed))).toBe(toHex(new Uint8Array(theirs)))
    }
  })

  it('have feeds whose first blocks nobody can sign otherwise', () => {
    const tree = new FeedTree()
    for (const block of [1, 2, 3]) tree.append(bytes(block))
    const feed = messagesFeed({ ...first, prologue: { length: 3, hash: tree.hash() } })
    const NOTHING = new Uint8Array(0)
    expect(feedHeadHolds(feed, tree, { length: 3, signature: NOTHING })).toBe(true)
    expect(feedHeadHolds(feed, tree, { length: 3, signature: new Uint8Array(64) })).toBe(false)
    const other = FeedTree.from(tree.roots.slice(0, 1))
    other.append(bytes(9))
    expect(feedHeadHolds(feed, other, { length: 3, signature: NOTHING })).toBe(false)
    expect(feedHeadHolds(feed, FeedTree.from(tree.roots.slice(0, 1)), { length: 2, signature: NOTHING })).toBe(false)
    const longer = tree.with([bytes(4)])
    expect(feedHeadHolds(feed, longer, { length: 4, signature: NOTHING })).toBe(false)
  })
})
