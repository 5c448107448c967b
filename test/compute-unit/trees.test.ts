import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CellTree } from '../../compute-unit/evaluation/cell-tree.ts'
import { CellStore } from '../../compute-unit/evaluation/cells.ts'
import { ProgramCells } from '../../compute-unit/evaluation/program-cells.ts'
import { MemoryTree } from '../../compute-unit/evaluation/memory-tree.ts'
import {
  CELL_KEY_MAX_BYTES,
  CHANGED_LINES_MAX_BYTES,
  ChangedLines,
  EMPTY_ROOT,
  encodeCbor,
  toHex,
} from '../../protocol/index.ts'
import { fakeId } from '../fakes/guest-context.ts'

const RUNS = { numRuns: 60 }
const key = fc.uint8Array({ minLength: 0, maxLength: 3 })
const value = fc.option(fc.uint8Array({ maxLength: 4 }), { nil: undefined })
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

/** The root of a map, made at once. */
function rootOf(cells: ReadonlyMap<string, Uint8Array>): string {
  const tree = new CellTree()
  for (const [name, bytes] of cells) tree.put(Buffer.from(name, 'latin1'), bytes)
  return toHex(tree.root())
}

describe('the root of cells', () => {
  it('depends on what the cells are, not on how they came to be', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(key, value), { maxLength: 60 }), fc.nat(), (changes, askEvery) => {
        const tree = new CellTree()
        const model = new Map<string, Uint8Array>()
        for (const [i, [name, bytes]] of changes.entries()) {
          tree.put(name, bytes)
          if (bytes === undefined) model.delete(latin1(name))
          else model.set(latin1(name), bytes)
          if (i % ((askEvery % 5) + 1) === 0) tree.root()
        }
        const reversed = new Map([...model].reverse())
        expect(toHex(tree.root())).toBe(rootOf(model))
        expect(rootOf(reversed)).toBe(rootOf(model))
      }),
      RUNS,
    )
  })

  it('is another for every other set of cells', () => {
    const sets = [
      [],
      [['', '']],
      [['a', '']],
      [['a', 'b']],
      [['b', 'a']],
      [
        ['a', 'b'],
        ['b', 'a'],
      ],
      [['ab', '']],
      [
        ['a', 'b'],
        ['ab', ''],
      ],
    ] as const
    const roots = sets.map(set => rootOf(new Map(set.map(([name, text]) => [name, new TextEncoder().encode(text)]))))
    expect(new Set(roots).size).toBe(sets.length)
    expect(roots[0]).toBe(toHex(EMPTY_ROOT))
  })

  it('comes back when all cells go', () => {
    const tree = new CellTree()
    const names = Array.from({ length: 300 }, (_, i) => Buffer.from(String(i)))
    for (const name of names) tree.put(name, name)
    expect(toHex(tree.root())).not.toBe(toHex(EMPTY_ROOT))
    for (const name of names.toReversed()) tree.put(name, undefined)
    expect(toHex(tree.root())).toBe(toHex(EMPTY_ROOT))
  })
})

describe('the root of memory', () => {
  const bytes = fc.constantFrom(0, 1, 2).map(fill => new Uint8Array(4096).fill(fill))
  /** As programs leave them: a few bytes are other than before, wherever they are. */
  const scattered = fc
    .array(fc.tuple(fc.nat(4095), fc.integer({ min: 1, max: 255 })), { maxLength: 60 })
    .map(places => {
      const chunk = new Uint8Array(4096)
      for (const [at, value] of places) chunk[at] = value
      return chunk
    })
  const chunk = fc.oneof(bytes, scattered)
  const index = fc.oneof(fc.nat(40), fc.constantFrom(255, 256, 4095, 4096, 65_536, 262_143))
  const chunks = (maxLength: number) => fc.uniqueArray(fc.tuple(index, chunk), { maxLength, selector: ([at]) => at })

  it('is that of the chunks as they are now, as docs/PROTOCOL.md has it', () => {
    fc.assert(
      fc.property(chunks(12), fc.array(chunks(12), { maxLength: 4 }), (image, frames) => {
        const base = new Map(image)
        const tree = new MemoryTree(base)
        const now = new Map(image)
        for (const frame of frames) {
          for (const [at, changed] of frame) now.set(at, changed)
          tree.put(
            frame.map(([at]) => at),
            at => now.get(at) ?? NONE,
          )
          expect(toHex(tree.root())).toBe(toHex(describedMemoryRoot(base, now)))
        }
        expect([...tree.own()].toSorted((a, b) => a - b)).toEqual(differing(base, now))
      }),
      RUNS,
    )
  })

  it('does not depend on where in memory a chunk lies, nor on how many are told at once', () => {
    const image = new Map([[3, new Uint8Array(4096).fill(7)]])
    const many = Array.from({ length: 40 }, (_, at) => [at, new Uint8Array(4099).fill(at).subarray(3)] as const)
    const together = new MemoryTree(image)
    put(together, many)
    const single = new MemoryTree(image)
    for (const [index] of many) single.put([index], at => many[at]?.[1] ?? NONE)
    expect(toHex(together.root())).toBe(toHex(single.root()))
    expect(toHex(together.root())).toBe(toHex(describedMemoryRoot(image, new Map(many))))
  })

  it('is the same if the lines in which chunks differ were found by somebody else', () => {
    const image = new Map([[3, new Uint8Array(4096).fill(7)]])
    const many = Array.from({ length: 40 }, (_, at) => [at, new Uint8Array(4096).fill(at, 0, 100 * at)] as const)
    const [told, found] = [new MemoryTree(image), new MemoryTree(image)]
    put(told, many)
    const lines = new ChangedLines(CHANGED_LINES_MAX_BYTES)
    found.putLines(
      many.map(([index]) => index),
      index => {
        lines.clear()
        lines.add(many[index]?.[1] ?? new Uint8Array(4096), image.get(index) ?? new Uint8Array(4096))
        return lines.words.slice(0, lines.used / 4)
      },
    )
    expect(toHex(found.root())).toBe(toHex(told.root()))
    expect([...found.own()]).toEqual([...told.own()])
  })

  it('is the same for memory of which all has changed', () => {
    const chunk = new Uint8Array(4096)
    chunk[4095] = 1
    const all = Array.from({ length: 2_500 }, (_, at) => [at, chunk] as const)
    const tree = new MemoryTree(new Map())
    put(tree, all)
    expect(toHex(tree.root())).toBe(toHex(describedMemoryRoot(new Map(), new Map(all))))
  })

  it('is the same whether much was always little, or became little again', () => {
    const image = new Map([[3, new Uint8Array(4096).fill(7)]])
    const now = new Map<number, Uint8Array>()
    const tree = new MemoryTree(image)
    const places = Array.from({ length: 60 }, (_, at) => [2, 15, 16, 40, 255, 256, 4096, 65_536][at % 8] ?? 0).map(
      (place, at) => place + 20 * Math.floor(at / 8),
    )
    const tell = (indexes: readonly number[]): void => {
      tree.put(indexes, at => now.get(at) ?? NONE)
      expect(toHex(tree.root())).toBe(toHex(describedMemoryRoot(image, now)))
      expect([...tree.own()]).toEqual(differing(image, now))
    }
    for (const place of places) now.set(place, new Uint8Array(4096).fill(9))
    tell(places)
    for (let at = 0; at < places.length; at += 4) {
      const four = places.slice(at, at + 4)
      for (const [n, place] of four.entries()) {
        const chunk = (image.get(place) ?? NONE).slice()
        if (n > 0) chunk[100 * n] = 1
        now.set(place, chunk)
      }
      tell(four)
    }
    for (const place of places) now.set(place, image.get(place) ?? NONE)
    tell(places)
    expect(toHex(tree.root())).toBe(toHex(EMPTY_ROOT))
  })

  it('tells what it keeps: what differs by little, but not chunks that are told whole', () => {
    const tree = new MemoryTree(new Map())
    const few = (at: number) => new Uint8Array(4096).fill(1, 0, 100 * (at % 8))
    const tell = (chunk: (at: number) => Uint8Array): number => {
      put(
        tree,
        Array.from({ length: 640 }, (_, at) => [at, chunk(at)] as const),
      )
      return tree.sizeBytes
    }
    expect(tree.sizeBytes).toBe(0)
    const scattered = tell(few)
    expect(scattered).toBeGreaterThan(640 * 350)
    expect(tell(() => new Uint8Array(4096).fill(1))).toBeLessThan(scattered / 2)
    expect(tell(() => new Uint8Array(4096))).toBe(0)
  })

  it('takes an image for memory that was never touched, but not a minus zero', () => {
    const tree = new MemoryTree(new Map([[7, new Uint8Array(4096).fill(5)]]))
    put(tree, [[7, new Uint8Array(4096).fill(5)]])
    expect(toHex(tree.root())).toBe(toHex(EMPTY_ROOT))
    const minus = new Uint8Array(4096)
    new DataView(minus.buffer).setFloat64(8, -0, true)
    put(tree, [[8, minus]])
    expect(toHex(tree.root())).not.toBe(toHex(EMPTY_ROOT))
    put(tree, [[8, new Uint8Array(4096)]])
    expect(toHex(tree.root())).toBe(toHex(EMPTY_ROOT))
  })
})

function put(tree: MemoryTree, chunks: readonly (readonly [index: number, bytes: Uint8Array])[]): void {
  const known = new Map(chunks)
  tree.put([...known.keys()], index => known.get(index) ?? NONE)
}

const NONE = new Uint8Array(4096)
type Chunks = ReadonlyMap<number, Uint8Array>

const differing = (image: Chunks, now: Chunks): number[] =>
  [...now.keys()]
    .filter(index => Buffer.compare(now.get(index) ?? NONE, image.get(index) ?? NONE) !== 0)
    .toSorted((a, b) => a - b)

/** The map of the lines that differ, and these lines. */
function describedLines(chunk: Uint8Array, base: Uint8Array): Buffer {
  const lines = Array.from({ length: 128 }, (_, line) => line).filter(
    line => Buffer.compare(chunk.subarray(32 * line, 32 * line + 32), base.subarray(32 * line, 32 * line + 32)) !== 0,
  )
  let map = 0n
  for (const line of lines) map |= 1n << BigInt(line)
  const low = Buffer.from(map.toString(16).padStart(32, '0'), 'hex').reverse()
  return Buffer.concat([low, ...lines.map(line => chunk.subarray(32 * line, 32 * line + 32))])
}

function describedMemoryRoot(image: Chunks, now: Chunks): Uint8Array {
  const pieces = differing(image, now).map(index => {
    const head = Buffer.alloc(4)
    head.writeUInt32LE(index)
    return { index, bytes: Buffer.concat([head, describedLines(now.get(index) ?? NONE, image.get(index) ?? NONE)]) }
  })
  return describedPart(pieces, 5)
}

interface Piece {
  readonly index: number
  readonly bytes: Buffer
}

function describedPart(pieces: readonly Piece[], level: number): Uint8Array {
  const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest()
  const bytes = Buffer.concat(pieces.map(piece => piece.bytes))
  if (bytes.length === 0) return EMPTY_ROOT
  if (bytes.length <= 16_384) return sha(bytes)
  const parts = Array.from({ length: 16 }, (_, digit) => {
    const below = pieces.filter(({ index }) => Math.floor(index / 16 ** level) % 16 === digit)
    return { digit, below }
  }).filter(({ below }) => below.length > 0)
  const hashes = parts.map(({ below }) => describedPart(below, level - 1))
  const [only] = hashes
  if (hashes.length === 1 && only !== undefined) return only
  const head = Buffer.from([0, 0, 0, 1])
  head.writeUInt16LE(parts.reduce((sum, { digit }) => sum + 2 ** digit, 0))
  return sha(Buffer.concat([head, ...hashes]))
}

describe('the cells of a process', () => {
  const name = fc.constantFrom('', 'a', 'b', 'ab', 'b\u00ff', '\u0000', '\u00ff')
  const step = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), name, bytes: fc.uint8Array({ maxLength: 3 }) }),
    fc.record({ kind: fc.constant('delete' as const), name }),
    fc.record({
      kind: fc.constant('add' as const),
      name: fc.constantFrom('n', 'm'),
      delta: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    }),
    fc.record({ kind: fc.constantFrom('keep' as const, 'discard' as const, 'root' as const) }),
    fc.record({
      kind: fc.constant('scan' as const),
      gte: name,
      lt: name,
      limit: fc.nat(4),
      reverse: fc.boolean(),
    }),
  )

  it('are those of a plain map with undo, in any order of calls', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), steps => {
        const store = new CellStore()
        const cells = new ProgramCells(store.program, () => undefined)
        let model = new Map<string, Uint8Array>()
        let kept = new Map(model)
        for (const one of steps) {
          switch (one.kind) {
            case 'set':
              cells.set(one.name, one.bytes)
              model.set(one.name, one.bytes)
              break
            case 'delete':
              cells.delete(one.name)
              model.delete(one.name)
              break
            case 'add': {
              cells.add(one.name, one.delta)
              const sum = Buffer.alloc(8)
              const before = model.get(one.name)
              const was = before === undefined ? 0n : Buffer.from(before).readBigInt64LE()
              sum.writeBigInt64LE(BigInt.asIntN(64, was + one.delta))
              model.set(one.name, new Uint8Array(sum))
              break
            }
            case 'keep':
              store.keep()
              kept = new Map(model)
              break
            case 'discard':
              store.discard()
              model = new Map(kept)
              break
            case 'root':
              store.keep()
              kept = new Map(model)
              expect(toHex(store.root())).toBe(rootOf(new Map([...model].map(([key, bytes]) => [`u${key}`, bytes]))))
              break
            case 'scan': {
              const keys = [...model.keys()]
                .filter(key => key >= one.gte && key < one.lt)
                .sort((a, b) => (a < b ? -1 : 1))
              const expected = (one.reverse ? keys.reverse() : keys).slice(0, one.limit)
              expect(cells.scan(one)).toEqual(expected)
              break
            }
          }
          for (const key of ['', 'a', 'b', 'ab', 'n']) expect(cells.get(key)).toEqual(model.get(key))
        }
      }),
      { numRuns: 150 },
    )
  })

  it('can be looked through to the end, by a bound that is above all keys', () => {
    const cells = new ProgramCells(new CellStore().program, () => undefined)
    const highest = '\xff'.repeat(CELL_KEY_MAX_BYTES)
    for (const key of ['', 'b', highest]) cells.set(key, new Uint8Array([1]))
    expect(cells.scan({ gte: '', lt: `${highest}\xff`, limit: 9, reverse: false })).toEqual(['', 'b', highest])
  })

  it('are the same when they come back from a state, the mailbox among them', () => {
    const store = new CellStore()
    store.program.put('a', new Uint8Array([1]))
    store.next.put(fakeId(1), 300)
    store.sent.put(fakeId(2), 1)
    store.timers.put('t\xff', { dueMs: 2 ** 40, everyMs: undefined })
    store.timers.put('u', { dueMs: 5, everyMs: 1000 })
    store.lifecycle.put('l', new Uint8Array([2]))
    store.keep()
    const cells = store.takeChanged().flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))
    expect(cells.map(([key]) => key[0])).toEqual(['u', 'n', 's', 't', 't', 'c'])
    const again = new CellStore()
    again.restore(cells)
    expect(toHex(again.root())).toBe(toHex(store.root()))
    expect(again.next.get(fakeId(1))).toBe(300)
    expect(again.timers.get('t\xff')).toEqual({ dueMs: 2 ** 40, everyMs: undefined })
    expect(again.lifecycle.get('l')).toEqual(new Uint8Array([2]))
    expect(again.takeChanged()).toEqual([])
  })

  it('are counts in CBOR, however long', () => {
    const counts = [0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32]
    const store = new CellStore()
    for (const [name, count] of counts.entries()) store.next.put(fakeId(name), count)
    store.keep()
    const spelled = store.takeChanged().map(([, value]) => value && toHex(value))
    expect(spelled).toEqual(counts.map(count => toHex(encodeCbor(count))))
  })

  it('weigh what their values weigh, whatever was changed and undone', () => {
    const store = new CellStore()
    const empty = store.sizeBytes
    store.program.put('a', new Uint8Array(1000))
    store.lifecycle.put('l', new Uint8Array(500))
    store.keep()
    const kept = store.sizeBytes
    expect(kept - empty).toBeGreaterThanOrEqual(1500)
    store.program.put('a', new Uint8Array(7000))
    expect(store.sizeBytes - kept).toBe(6000)
    store.program.put('b', new Uint8Array(10))
    store.lifecycle.put('l', undefined)
    store.discard()
    expect(store.sizeBytes).toBe(kept)
    store.program.put('a', undefined)
    store.lifecycle.put('l', undefined)
    expect(store.sizeBytes).toBe(empty)
  })

  it('tell a checkpoint what changed since the last one, and only what was kept', () => {
    const store = new CellStore()
    store.program.put('a', new Uint8Array([1]))
    store.keep()
    store.program.put('b', new Uint8Array([2]))
    store.discard()
    expect(store.takeChanged()).toEqual([['ua', new Uint8Array([1])]])
    store.program.put('a', undefined)
    store.keep()
    expect(store.takeChanged()).toEqual([['ua', undefined]])
    expect(store.takeChanged()).toEqual([])
  })
})
