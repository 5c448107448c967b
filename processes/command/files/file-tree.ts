import {
  COMMAND_FILES_MAX,
  COMMAND_FILES_SIZE_MAX_BYTES,
  COMMAND_FOLDER_DEPTH_MAX,
  COMMAND_PATH_MAX_BYTES,
} from '../../../protocol/index.ts'
import { CallError } from '../wasi/errno.ts'
import { FileContent, pieceCount } from './file-content.ts'

/** Gas of each piece that comes or goes when a file changes its size. */
const PIECE_GAS = 128
/** Gas of each name that a listing gathers, or passes over because it is gone. */
export const NAME_GAS = 32

export class FileNode {
  readonly kind = 'file'
  readonly inode: number
  readonly content: FileContent
  /** Where its unchanged pieces are stored, if they are. */
  readonly storedAt: string | undefined
  /** Whether a name still leads to it. */
  linked = true
  /** Descriptors that still lead to it. */
  opened = 0

  constructor(inode: number, content: FileContent, storedAt: string | undefined) {
    this.inode = inode
    this.content = content
    this.storedAt = storedAt
  }
}

export class FolderNode {
  readonly kind = 'folder'
  readonly inode: number
  /** In the order in which they came: stored ones sorted, then new ones. */
  readonly entries = new Map<string, TreeNode>()
  parent: FolderNode | undefined
  /** How many of the entries are folders. */
  folders = 0

  constructor(inode: number, parent: FolderNode | undefined) {
    this.inode = inode
    this.parent = parent
  }

  get depth(): number {
    return this.parent === undefined ? 0 : this.parent.depth + 1
  }
}

export type TreeNode = FileNode | FolderNode

/** Where a path leads: a node, or a free name in a folder. */
export interface Place {
  readonly folder: FolderNode
  readonly name: string
  readonly node: TreeNode | undefined
  /** The path ends with a slash, so that only a folder can be made there. */
  readonly isFolderWanted?: boolean
}

/** What stands in no state: it is there, and empty, whenever a run begins. */
export const SCRATCH_FOLDER = 'tmp'

/**
 * The files that a program sees during a run, all below one root. Numbers of inodes are given in the
 * order in which nodes come, so they are the same wherever the run is repeated. What takes time that
 * grows with the tree is charged.
 */
export class FileTree {
  readonly root: FolderNode
  readonly #charge: (gas: number) => void
  #inodes = 0
  #nodes = 0
  #bytes = 0

  constructor(charge: (gas: number) => void) {
    this.#charge = charge
    this.root = this.#newFolder(undefined)
    this.root.entries.set(SCRATCH_FOLDER, this.#newFolder(this.root))
  }

  /**
   * Follows `path`, whose parts are divided by `/`, from `from` downwards. An empty path and `.` are
   * `from` itself. @throws {CallError}
   */
  find(from: FolderNode, path: string): Place {
    let place: Place = { folder: from, name: '', node: from }
    const above: Place[] = []
    for (const name of path.split('/')) {
      if (name === '') continue
      const { node } = place
      if (node === undefined) throw new CallError('noEntry')
      if (node.kind !== 'folder') throw new CallError('notFolder')
      if (name === '.') continue
      if (name === '..') {
        const parent = above.pop()
        if (parent === undefined) throw new CallError('notCapable')
        place = parent
        continue
      }
      above.push(place)
      place = { folder: node, name, node: node.entries.get(name) }
    }
    if (!path.endsWith('/')) return place
    if (place.node?.kind === 'file') throw new CallError('notFolder')
    return { ...place, isFolderWanted: true }
  }

  /** @throws {CallError} */
  makeFolder(place: Place): FolderNode {
    if (place.node !== undefined) throw new CallError('exists')
    if (place.folder.depth >= COMMAND_FOLDER_DEPTH_MAX) throw new CallError('nameTooLong')
    this.#count(1)
    const folder = this.#newFolder(place.folder)
    place.folder.entries.set(place.name, folder)
    place.folder.folders += 1
    return folder
  }

  /** Makes an empty file, or one with stored content. @throws {CallError} */
  makeFile(place: Place, content = new FileContent(), storedAt?: string): FileNode {
    if (place.node !== undefined) throw new CallError('exists')
    if (place.isFolderWanted === true) throw new CallError('isFolder')
    this.#count(1)
    this.#grow(content.size)
    const file = new FileNode(++this.#inodes, content, storedAt)
    place.folder.entries.set(place.name, file)
    return file
  }

  /** All folders on the way to `path` are made if need be. @throws {CallError} */
  makeFolders(path: string): void {
    let folder = this.root
    for (const name of path.split('/').filter(part => part !== '')) {
      const node = folder.entries.get(name) ?? this.makeFolder({ folder, name, node: undefined })
      if (node.kind !== 'folder') throw new CallError('notFolder')
      folder = node
    }
  }

  /** Puts a whole file at `path` below the root, in place of one that is there. @throws {CallError} */
  put(path: string, bytes: Uint8Array): void {
    this.makeFolders(path.slice(0, Math.max(0, path.lastIndexOf('/'))))
    const place = this.find(this.root, path)
    if (place.node?.kind === 'folder') throw new CallError('isFolder')
    const file = place.node ?? this.makeFile(place)
    this.resize(file, bytes.length)
    this.write(file, 0, bytes)
  }

  removeFile(place: Place): void {
    if (place.node === undefined) throw new CallError('noEntry')
    if (place.node.kind === 'folder') throw new CallError('isFolder')
    this.#unlink(place, place.node)
  }

  removeFolder(place: Place): void {
    const { node } = place
    if (node === undefined) throw new CallError('noEntry')
    if (node.kind === 'file') throw new CallError('notFolder')
    if (node.entries.size > 0) throw new CallError('notEmpty')
    if (place.name === '') throw new CallError('invalid')
    this.#refuseScratch(place)
    place.folder.entries.delete(place.name)
    place.folder.folders -= 1
    this.#nodes -= 1
  }

  /** Names in a folder. */
  list(folder: FolderNode): string[] {
    this.#charge(NAME_GAS * folder.entries.size)
    return [...folder.entries.keys()]
  }

  /** Removes what is below `path`, and itself; nothing if there is nothing. */
  removeAll(path: string): void {
    const place = this.find(this.root, path)
    if (place.node?.kind === 'file') this.removeFile(place)
    if (place.node?.kind !== 'folder' || place.name === '') return
    for (const name of [...place.node.entries.keys()]) this.removeAll(`${path}/${name}`)
    this.removeFolder(place)
  }

  /**
   * A folder that has folders in it can change its name, but not its place: so no circle can be made,
   * and no path grows in secret. @throws {CallError}
   */
  rename(from: Place, to: Place): void {
    const { node } = from
    if (node === undefined) throw new CallError('noEntry')
    if (node === to.node) return
    if (from.name === '' || to.name === '') throw new CallError('invalid')
    this.#refuseScratch(from)
    if (node.kind === 'folder') this.#checkMove(node, from, to)
    else if (to.isFolderWanted === true) throw new CallError('notFolder')
    if (to.node !== undefined) {
      if (node.kind === 'folder') this.removeFolder(to)
      else this.removeFile(to)
    }
    from.folder.entries.delete(from.name)
    to.folder.entries.set(to.name, node)
    if (node.kind === 'file') return
    from.folder.folders -= 1
    to.folder.folders += 1
    node.parent = to.folder
  }

  #checkMove(node: FolderNode, from: Place, to: Place): void {
    if (to.folder === node) throw new CallError('invalid')
    if (from.folder === to.folder) return
    if (node.folders > 0) throw new CallError('notSupported')
    if (to.folder.depth >= COMMAND_FOLDER_DEPTH_MAX) throw new CallError('nameTooLong')
  }

  /** @throws {CallError} */
  write(file: FileNode, position: number, bytes: Uint8Array): void {
    if (bytes.length > 0) this.#reserve(file, Math.max(file.content.size, position + bytes.length))
    file.content.write(position, bytes)
  }

  /** @throws {CallError} */
  resize(file: FileNode, size: number): void {
    this.#reserve(file, size)
    file.content.resize(size)
  }

  #reserve(file: FileNode, size: number): void {
    const before = file.content.size
    if (size > COMMAND_FILES_SIZE_MAX_BYTES) throw new CallError('noSpace')
    const pieces = Math.abs(pieceCount(size) - pieceCount(before))
    if (pieces > 0) this.#charge(PIECE_GAS * pieces)
    this.#grow(size - before)
  }

  /** A descriptor of `file` was closed. */
  closed(file: FileNode): void {
    file.opened -= 1
    this.#forgetIfUnreachable(file)
  }

  /** What was removed while it is open still lies in memory, so it counts like the rest. */
  #forgetIfUnreachable(file: FileNode): void {
    if (!file.linked && file.opened === 0) this.#bytes -= file.content.size
  }

  /** The scratch folder itself stays where it is. */
  #refuseScratch(place: Place): void {
    if (place.folder === this.root && place.name === SCRATCH_FOLDER) {
      throw new CallError('notCapable')
    }
  }

  #unlink(place: Place, file: FileNode): void {
    place.folder.entries.delete(place.name)
    file.linked = false
    this.#nodes -= 1
    this.#forgetIfUnreachable(file)
  }

  #count(nodes: number): void {
    if (this.#nodes + nodes > COMMAND_FILES_MAX) throw new CallError('noSpace')
    this.#nodes += nodes
  }

  #grow(bytes: number): void {
    if (bytes > 0 && this.#bytes + bytes > COMMAND_FILES_SIZE_MAX_BYTES) {
      throw new CallError('noSpace')
    }
    this.#bytes += bytes
  }

  #newFolder(parent: FolderNode | undefined): FolderNode {
    return new FolderNode(++this.#inodes, parent)
  }
}

/** Every file and folder that is state, folder by folder in the order of names; a folder's path ends with `/`. */
export function* walk(folder: FolderNode, path = ''): Generator<{ readonly path: string; readonly node: TreeNode }> {
  for (const name of [...folder.entries.keys()].sort()) {
    const node = folder.entries.get(name)
    if (node === undefined || (path === '' && name === SCRATCH_FOLDER)) continue
    if (node.kind === 'file') yield { path: path + name, node }
    else {
      yield { path: `${path}${name}/`, node }
      yield* walk(node, `${path}${name}/`)
    }
  }
}

/** Whether a path below the root can be state: its bytes fit into the key of a cell. */
export const isPathTooLong = (path: string): boolean =>
  path.length > COMMAND_PATH_MAX_BYTES || new TextEncoder().encode(path).length > COMMAND_PATH_MAX_BYTES
