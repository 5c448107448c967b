/**
 * Files as cells, which is what makes them state: rolled back with their slot, hashed into the state
 * root, kept by checkpoints, read by `cell`.
 *
 * 1. The first piece of a file is the cell `files/<path>`; piece n > 0 is `files/<path>`, a zero byte
 *    and n as three bytes, highest first. A folder is the cell `files/<path>/`, empty. The path is
 *    UTF-8, one character for each byte.
 * 2. All pieces but the last have COMMAND_PIECE_SIZE_BYTES; an empty file has one empty piece.
 * 3. In the order of keys the pieces of a file follow each other, the first one first.
 * 4. Only pieces that differ from their cell are written.
 */
import {
  type CellKey,
  type Cells,
  COMMAND_PIECE_SIZE_BYTES,
  equalBytes,
  fromUtf8,
  SCAN_MAX,
  toUtf8,
} from '../../../protocol/index.ts'
import { FileContent, pieceCount } from './file-content.ts'
import { FileTree, type TreeNode, walk } from './file-tree.ts'

/** Keys of the cells in which files lie begin so. */
export const FILES_PREFIX = 'files/'
const FILES_END = `files${String.fromCharCode('/'.charCodeAt(0) + 1)}`

interface StoredFile {
  readonly path: string
  readonly key: CellKey
  pieces: number
}

/** The files of a process as they are when a run begins; each cell that is looked at costs `lookGas`. */
export function loadFiles(cells: Cells, charge: (gas: number) => void, lookGas: number): FileTree {
  const tree = new FileTree(charge)
  for (const { path, key, pieces } of listFiles(cells, () => charge(lookGas))) {
    if (path.endsWith('/')) {
      tree.makeFolders(path)
      continue
    }
    tree.makeFolders(path.slice(0, Math.max(0, path.lastIndexOf('/'))))
    const content = new FileContent({
      size: (pieces - 1) * COMMAND_PIECE_SIZE_BYTES + cellOf(cells, pieceKey(key, pieces - 1)).length,
      piece: index => cellOf(cells, pieceKey(key, index)),
    })
    tree.makeFile(tree.find(tree.root, path), content, path)
  }
  return tree
}

function* listFiles(cells: Cells, counted: () => void): Generator<StoredFile> {
  let file: StoredFile | undefined
  for (const key of keysOf(cells)) {
    counted()
    if (key.includes('\0')) {
      if (file !== undefined) file.pieces += 1
      continue
    }
    if (file !== undefined) yield file
    file = { path: textOf(key.slice(FILES_PREFIX.length)), key, pieces: 1 }
  }
  if (file !== undefined) yield file
}

function* keysOf(cells: Cells): Generator<CellKey> {
  let gte = FILES_PREFIX
  for (;;) {
    const keys = cells.scan({ gte, lt: FILES_END, limit: SCAN_MAX, reverse: false })
    yield* keys
    const last = keys.at(-1)
    if (last === undefined || keys.length < SCAN_MAX) return
    gte = `${last}\0`
  }
}

/**
 * Plans how the cells become what the tree is, and gives what carries it out. `counted` is told the bytes
 * of every cell that will be written or removed, `check` every path; either may throw, and then nothing
 * has happened.
 */
export function planStore(
  tree: FileTree,
  cells: Cells,
  options: { counted: (bytes: number) => void; check: (path: string) => void },
): () => void {
  const stale = new Set(keysOf(cells))
  const changes: { key: CellKey; value: Uint8Array }[] = []
  for (const { path, node } of walk(tree.root)) {
    options.check(path)
    const key = FILES_PREFIX + keyText(path)
    for (const [index, value] of pieces(path, node)) {
      const piece = pieceKey(key, index)
      stale.delete(piece)
      if (value === undefined) continue
      const before = cells.get(piece)
      if (before !== undefined && equalBytes(before, value)) continue
      options.counted(piece.length + value.length)
      changes.push({ key: piece, value })
    }
  }
  for (const key of stale) options.counted(key.length)
  return () => {
    for (const key of stale) cells.delete(key)
    for (const { key, value } of changes) cells.set(key, value.slice())
  }
}

/** All pieces that the node has; those that are as stored have no value. */
function* pieces(path: string, node: TreeNode): Generator<[number, Uint8Array | undefined]> {
  if (node.kind === 'folder') {
    yield [0, new Uint8Array(0)]
    return
  }
  const { content, storedAt } = node
  for (let index = 0; index < pieceCount(content.size); index++) {
    const asStored = storedAt === path && !content.changed.has(index)
    yield [index, asStored ? undefined : content.piece(index)]
  }
}

const pieceKey = (key: CellKey, index: number): CellKey =>
  index === 0 ? key : `${key}\0${String.fromCharCode(index >>> 16, (index >>> 8) & 0xff, index & 0xff)}`

function cellOf(cells: Cells, key: CellKey): Uint8Array {
  const value = cells.get(key)
  if (value === undefined) throw new Error('expected a piece of a file')
  return value
}

/** Text as bytes, one character for each. */
function keyText(path: string): CellKey {
  let key = ''
  for (const byte of toUtf8(path)) key += String.fromCharCode(byte)
  return key
}

const textOf = (key: CellKey): string => fromUtf8(Uint8Array.from(key, byte => byte.charCodeAt(0)))
