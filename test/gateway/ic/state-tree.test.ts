import { Cbor, type HashTree as ClientTree, lookup_path, LookupPathStatus, reconstruct } from '@icp-sdk/core/agent'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canisterSource } from '../../../gateway/ic/state-sources.ts'
import { buildState, type StateLevel, writeWitness } from '../../../gateway/ic/state-tree.ts'
import {
  CborWriter,
  compareBytes,
  decodeIc,
  hashTreeRoot,
  lookUpNode,
  readHashTree,
  toHex,
  toUtf8,
} from '../../../protocol/index.ts'

function witnessOf(level: StateLevel, paths: Uint8Array[][]): { bytes: Uint8Array; root: string } {
  const state = buildState(level)
  const writer = new CborWriter()
  writeWitness(writer, state, paths)
  return { bytes: writer.finish(), root: toHex(state.hash) }
}

const label = (): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: 4, maxLength: 4 })
const distinct = fc.uniqueArray(label(), { comparator: (a, b) => compareBytes(a, b) === 0, maxLength: 12 })

describe('a witness', () => {
  it('has the root of its tree and shows what was asked for, by our look-up and the client’s', () => {
    fc.assert(
      fc.property(distinct, fc.boolean(), fc.nat(), (labels, partial, pick) => {
        const level = { partial, entries: labels.map(name => [name, toUtf8(toHex(name))] as const) }
        const asked = labels.length === 0 ? [] : [labels[pick % labels.length] ?? new Uint8Array(4)]
        const { bytes, root } = witnessOf(
          level,
          asked.map(name => [name]),
        )
        const tree = readHashTree(decodeIc(bytes, 64))
        expect(toHex(hashTreeRoot(tree))).toBe(root)
        const theirs = Cbor.decode<ClientTree>(bytes)
        for (const name of asked) {
          expect(lookUpNode(tree, [name])).toMatchObject({ status: 'found' })
          expect(lookup_path([name], theirs)).toMatchObject({
            status: LookupPathStatus.Found,
            value: toUtf8(toHex(name)),
          })
        }
      }),
    )
  })

  it('of a level that leaves something out shows absent only what is', async () => {
    await fc.assert(
      fc.asyncProperty(distinct, label(), label(), async (labels, gone, other) => {
        const entries = labels
          .filter(name => compareBytes(name, gone) !== 0)
          .map(name => [name, new Uint8Array(1)] as const)
        const { bytes, root } = witnessOf({ partial: true, entries, absent: [gone] }, [[gone]])
        const tree = readHashTree(decodeIc(bytes, 64))
        const theirs = Cbor.decode<ClientTree>(bytes)
        expect(toHex(await reconstruct(theirs))).toBe(root)
        expect(lookUpNode(tree, [gone]).status).toBe('absent')
        expect(lookup_path([gone], theirs).status).toBe(LookupPathStatus.Absent)
        const isShown = entries.some(([name]) => compareBytes(name, other) === 0)
        if (isShown || compareBytes(other, gone) === 0) return
        // Neighbours of what is gone are shown to be empty; of the rest nothing is told.
        const status = lookUpNode(tree, [other]).status
        // The client is no judge here: to it a label is greater than another as soon as any of its bytes is.
        expect(['unknown', 'found']).toContain(status)
      }),
    )
  })

  it('of a label that is absent says nothing of its neighbours, which may be there', () => {
    const gone = Uint8Array.of(1, 2, 3, 4)
    for (const neighbour of [Uint8Array.of(1, 2, 3, 3), Uint8Array.of(1, 2, 3, 5)]) {
      const { bytes } = witnessOf({ partial: true, entries: [], absent: [gone] }, [[gone]])
      expect(lookUpNode(readHashTree(decodeIc(bytes, 64)), [neighbour]).status).toBe('unknown')
      expect(lookup_path([neighbour], Cbor.decode<ClientTree>(bytes)).status).not.toBe(LookupPathStatus.Absent)
    }
  })

  it('of a metadata section that is absent says that none is, that is there', () => {
    const names = ['abb', 'abc\0', 'abcd', 'zzz']
    const facts = {
      status: 0,
      moduleHash: new Uint8Array(32),
      controllers: [],
      certifiedData: new Uint8Array(0),
      createdNs: 1n,
      installedNs: 2n,
      inspects: false,
      metadata: new Map(names.map(name => [name, true])),
    }
    const path = (name: string): Uint8Array[] => [toUtf8('metadata'), toUtf8(name)]
    const state = buildState(
      canisterSource(
        facts,
        new Map([
          ['abc', undefined],
          ['abcd', toUtf8('content')],
        ]),
      ),
    )
    const writer = new CborWriter()
    writeWitness(writer, state, [path('abc'), path('abcd')])
    const bytes = writer.finish()
    const tree = readHashTree(decodeIc(bytes, 64))
    expect(toHex(hashTreeRoot(tree))).toBe(toHex(state.hash))
    expect(lookUpNode(tree, path('abc')).status).toBe('absent')
    expect(lookUpNode(tree, path('abcd'))).toMatchObject({ status: 'found' })
    for (const name of ['abb', 'abc\0', 'zzz']) expect(lookUpNode(tree, path(name)).status, name).not.toBe('absent')
    const shown = lookup_path(path('abc\0'), Cbor.decode<ClientTree>(bytes))
    expect(shown.status).not.toBe(LookupPathStatus.Absent)
  })

  it('does not grow with the number of entries', () => {
    const many = (count: number): number => {
      const entries = Array.from(
        { length: count },
        (_, i) => [Uint8Array.of(i >> 16, i >> 8, i & 255, 0), new Uint8Array(8)] as const,
      )
      return witnessOf({ partial: true, entries }, [[entries[count >> 1]?.[0] ?? new Uint8Array(4)]]).bytes.length
    }
    expect(many(4096)).toBeLessThan(many(64) * 2.5)
  })
})
