import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FileContent } from '../../../processes/command/files/file-content.ts'
import { FileTree, walk } from '../../../processes/command/files/file-tree.ts'
import { readArchive } from '../../../processes/command/files/archive.ts'
import { loadFiles, planStore } from '../../../processes/command/files/stored-files.ts'
import { CallError } from '../../../processes/command/wasi/errno.ts'
import { COMMAND_FILES_MAX, COMMAND_FOLDER_DEPTH_MAX, COMMAND_PIECE_SIZE_BYTES } from '../../../protocol/index.ts'
import { FakeCells } from '../../fakes/guest-context.ts'

const PIECE = COMMAND_PIECE_SIZE_BYTES
const free = () => undefined
const newTree = () => new FileTree(free)

/** A position or size near the edges of pieces, where mistakes are made. */
const edge = fc
  .tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: -2, max: 2 }))
  .map(([pieces, off]) => Math.max(0, pieces * PIECE + off))

const change = fc.oneof(
  fc.record({
    kind: fc.constant('write' as const),
    at: edge,
    bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  }),
  fc.record({
    kind: fc.constant('write' as const),
    at: edge,
    bytes: edge.map(length => new Uint8Array(length).fill(7)),
  }),
  fc.record({ kind: fc.constant('resize' as const), size: edge }),
  fc.record({ kind: fc.constant('store' as const) }),
)

/** The same on a plain array. */
function model(bytes: Uint8Array, size: number): Uint8Array {
  const next = new Uint8Array(size)
  next.set(bytes.subarray(0, size))
  return next
}

function store(tree: FileTree, cells: FakeCells): string[] {
  const written: string[] = []
  const plan = planStore(tree, cells, { counted: free, check: free })
  const set = cells.set.bind(cells)
  cells.set = (key, value) => {
    written.push(key)
    set(key, value)
  }
  plan()
  cells.set = set
  return written
}

describe('a file', () => {
  it('is what a plain array would be after any writes, cuts and growth, and is found again as it was stored', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 24 }), changes => {
        const cells = new FakeCells()
        let tree = newTree()
        tree.put('f', new Uint8Array(0))
        let expected = new Uint8Array(0)
        const file = () => {
          const { node } = tree.find(tree.root, 'f')
          if (node?.kind !== 'file') throw new Error('expected a file')
          return node
        }
        for (const step of changes) {
          if (step.kind === 'write') {
            tree.write(file(), step.at, step.bytes)
            if (step.bytes.length > 0)
              expected = model(
                expected,
                Math.max(expected.length, step.at + step.bytes.length),
              ) as Uint8Array<ArrayBuffer>
            expected.set(step.bytes, step.bytes.length > 0 ? step.at : 0)
          } else if (step.kind === 'resize') {
            tree.resize(file(), step.size)
            expected = model(expected, step.size) as Uint8Array<ArrayBuffer>
          } else {
            store(tree, cells)
            tree = loadFiles(cells, free, 0)
          }
          const { content } = file()
          const read = new Uint8Array(content.size)
          expect(content.read(0, read)).toBe(expected.length)
          expect(Buffer.compare(read, expected)).toBe(0)
        }
        store(tree, cells)
        expect(store(loadFiles(cells, free, 0), cells)).toEqual([])
        const lengths = [...cells.values.values()].map(({ length }) => length)
        expect(lengths.slice(0, -1).every(length => length <= PIECE)).toBe(true)
        expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(expected.length)
      }),
      { numRuns: 300 },
    )
  })

  it('writes only the pieces that changed', () => {
    const cells = new FakeCells()
    const tree = newTree()
    tree.put('f', new Uint8Array(3 * PIECE + 5).fill(1))
    expect(store(tree, cells)).toHaveLength(4)
    const next = loadFiles(cells, free, 0)
    const { node } = next.find(next.root, 'f')
    if (node?.kind !== 'file') throw new Error('expected a file')
    next.write(node, PIECE + 9, Uint8Array.of(2))
    next.write(node, 9, Uint8Array.of(1))
    expect(store(next, cells)).toEqual(['files/f\0\0\0\u0001'])
  })

  it('a new one has one piece, so that it exists', () => {
    expect(new FileContent().changed).toEqual(new Set([0]))
  })
})

describe('a tree', () => {
  const failing = (act: () => unknown) => {
    try {
      act()
    } catch (error) {
      if (error instanceof CallError) return error.message
      throw error
    }
    return 'nothing'
  }

  it('keeps folders, names of any script, and files moved between folders', () => {
    const cells = new FakeCells()
    const tree = newTree()
    tree.put('böök/日本/a', Uint8Array.of(1))
    tree.makeFolders('empty/inner')
    tree.put('tmp/gone', Uint8Array.of(2))
    store(tree, cells)
    const next = loadFiles(cells, free, 0)
    expect([...walk(next.root)].map(({ path }) => path)).toEqual([
      'böök/',
      'böök/日本/',
      'böök/日本/a',
      'empty/',
      'empty/inner/',
    ])
    next.rename(next.find(next.root, 'böök/日本'), next.find(next.root, 'empty/moved'))
    store(next, cells)
    expect([...walk(loadFiles(cells, free, 0).root)].map(({ path }) => path)).toEqual([
      'böök/',
      'empty/',
      'empty/inner/',
      'empty/moved/',
      'empty/moved/a',
    ])
  })

  it('lets nobody out', () => {
    const tree = newTree()
    tree.put('a/b', new Uint8Array(0))
    const { node } = tree.find(tree.root, 'a')
    if (node?.kind !== 'folder') throw new Error('expected a folder')
    expect(failing(() => tree.find(node, '..'))).toBe('notCapable')
    expect(failing(() => tree.find(tree.root, 'a/../..'))).toBe('notCapable')
    expect(tree.find(tree.root, 'a/../a/./b').node?.kind).toBe('file')
  })

  it('refuses circles, folders too deep, too many files, and the loss of its scratch folder', () => {
    const tree = newTree()
    tree.makeFolders('a/b')
    expect(failing(() => tree.rename(tree.find(tree.root, 'a'), tree.find(tree.root, 'a/b/c')))).toBe('notSupported')
    expect(failing(() => tree.rename(tree.find(tree.root, 'a/b'), tree.find(tree.root, 'a/b/c')))).toBe('invalid')
    expect(failing(() => tree.makeFolders('x/'.repeat(COMMAND_FOLDER_DEPTH_MAX + 1)))).toBe('nameTooLong')
    expect(failing(() => tree.removeFolder(tree.find(tree.root, 'tmp')))).toBe('notCapable')
    const full = newTree()
    for (let index = 0; index < COMMAND_FILES_MAX; index++) full.put(`${index}`, new Uint8Array(0))
    expect(failing(() => full.put('one more', new Uint8Array(0)))).toBe('noSpace')
    full.removeFile(full.find(full.root, '7'))
    full.put('one more', new Uint8Array(0))
  })

  it('counts a file that was removed while it is open, until it is closed', () => {
    const tree = newTree()
    const half = new Uint8Array(33 * 1024 * 1024)
    tree.put('f', half)
    const place = tree.find(tree.root, 'f')
    if (place.node?.kind !== 'file') throw new Error('expected a file')
    place.node.opened += 1
    tree.removeFile(place)
    expect(failing(() => tree.put('g', half))).toBe('noSpace')
    tree.closed(place.node)
    tree.put('g', half)
  })
})

describe('an archive', () => {
  /** One entry of ustar. */
  function entry(name: string, bytes: Uint8Array, type = '0'): Uint8Array {
    const block = new Uint8Array(512 + Math.ceil(bytes.length / 512) * 512)
    const text = (at: number, value: string) => block.set(new TextEncoder().encode(value), at)
    text(0, name)
    text(124, bytes.length.toString(8).padStart(11, '0'))
    text(156, type)
    text(257, 'ustar')
    text(148, '        ')
    const sum = block.subarray(0, 512).reduce((total, byte) => total + byte, 0)
    text(148, `${sum.toString(8).padStart(6, '0')}\0 `)
    block.set(bytes, 512)
    return block
  }
  const archive = (...entries: Uint8Array[]) => Buffer.concat([...entries, new Uint8Array(1024)])

  it('gives its files', () => {
    const bytes = archive(
      entry('./lib/', new Uint8Array(0), '5'),
      entry('./lib/a.py', Uint8Array.of(1, 2)),
      entry('main.py', new Uint8Array(513).fill(3)),
    )
    expect([...readArchive(bytes)].map(({ path, bytes }) => [path, bytes.length])).toEqual([
      ['lib/a.py', 2],
      ['main.py', 513],
    ])
  })

  it.each([
    ['a path that leads out', archive(entry('../x', new Uint8Array(0)))],
    ['an absolute path', archive(entry('/x', new Uint8Array(0)))],
    ['a link', archive(entry('x', new Uint8Array(0), '2'))],
    ['no end', entry('x', new Uint8Array(0))],
    ['a file cut short', entry('x', new Uint8Array(600)).subarray(0, 700)],
    ['a wrong checksum', archive(entry('x', new Uint8Array(0)).with(3, 9))],
    ['no archive', new Uint8Array(2048).fill(65)],
  ])('is refused if it has %s', (_what, bytes) => {
    expect(() => [...readArchive(bytes)]).toThrow(/tar/)
  })
})
