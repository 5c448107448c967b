import { ERRNO, FileError } from './errno.ts'

/**
 * A small file system in host memory that lives for one slot: what AO programs need for temporary
 * files. It is empty when a slot begins, so it is no state: nothing of it is in a snapshot, and a
 * descriptor kept from an earlier slot is bad.
 */

/** Bytes all files of one slot may hold together. */
export const SCRATCH_BYTES_MAX = 16 * 1024 * 1024
/** Files and folders of one slot. */
const NODES_MAX = 1024
/** Descriptors open at once. */
const DESCRIPTORS_MAX = 256

const FOLDERS = ['/', '/tmp', '/home', '/home/web_user', '/dev', '/data', '/var', '/var/tmp']

export const OPEN = {
  write: 1,
  readWrite: 2,
  create: 64,
  exclusive: 128,
  truncate: 512,
  append: 1024,
  folder: 65_536,
} as const
const ACCESS_MASK = 3

export type NodeKind = 'file' | 'folder' | 'null' | 'random' | 'terminal'

export interface FileNode {
  readonly kind: NodeKind
  readonly inode: number
  permissions: number
  size: number
  bytes: Uint8Array
  /** Its name is gone; its bytes go with its last descriptor. */
  unlinked: boolean
}

export interface OpenFile {
  readonly node: FileNode
  readonly path: string
  flags: number
  position: number
}

export class ScratchFiles {
  readonly #random: (length: number) => Uint8Array
  readonly #print: (bytes: Uint8Array) => void
  readonly #nodes = new Map<string, FileNode>()
  readonly #open: (OpenFile | undefined)[] = []
  #nextInode = 1
  #held = 0

  constructor(parts: {
    random: (length: number) => Uint8Array
    print: (bytes: Uint8Array) => void
  }) {
    this.#random = parts.random
    this.#print = parts.print
    for (const path of FOLDERS) this.#add(path, 'folder', 0o777)
    this.#add('/dev/null', 'null', 0o666)
    this.#add('/dev/random', 'random', 0o666)
    this.#add('/dev/urandom', 'random', 0o666)
    const node = this.#add('/dev/tty', 'terminal', 0o666)
    for (let fd = 0; fd < 3; fd++) this.#open.push({ node, path: '/dev/tty', flags: 2, position: 0 })
  }

  /** The open file of a descriptor. @throws {FileError} */
  at(fd: number): OpenFile {
    const file = this.#open[fd]
    if (file === undefined) throw new FileError(ERRNO.badDescriptor)
    return file
  }

  /** @throws {FileError} */
  open(path: string, flags: number, permissions: number): number {
    let node = this.#nodes.get(path)
    if (node !== undefined && (flags & OPEN.create) !== 0 && (flags & OPEN.exclusive) !== 0) {
      throw new FileError(ERRNO.exists)
    }
    if (node === undefined) {
      if ((flags & OPEN.create) === 0) throw new FileError(ERRNO.noEntry)
      this.#demandFolder(parentOf(path))
      node = this.#add(path, 'file', permissions & 0o777)
    }
    if (node.kind === 'folder' && (flags & ACCESS_MASK) !== 0) throw new FileError(ERRNO.isDirectory)
    if (node.kind !== 'folder' && (flags & OPEN.folder) !== 0) throw new FileError(ERRNO.notDirectory)
    if (node.kind === 'file' && (flags & OPEN.truncate) !== 0) this.truncate(node, 0)
    return this.#place({ node, path, flags, position: 0 }, 0)
  }

  /** @throws {FileError} */
  close(fd: number): void {
    const { node } = this.at(fd)
    this.#open[fd] = undefined
    if (node.unlinked) this.#release(node)
  }

  /** A second descriptor of the same kind, at `fd` or the first free one from `from` on. */
  duplicate(file: OpenFile, to: { fd: number } | { from: number }): number {
    const copy = { ...file }
    if ('from' in to) return this.#place(copy, to.from)
    if (to.fd < 0 || to.fd >= DESCRIPTORS_MAX) throw new FileError(ERRNO.badDescriptor)
    if (this.#open[to.fd] !== undefined) this.close(to.fd)
    this.#open[to.fd] = copy
    return to.fd
  }

  /** Reads into `target` from `position`; gives the bytes read. @throws {FileError} */
  read(file: OpenFile, target: Uint8Array, position: number): number {
    const { node } = file
    if (node.kind === 'folder') throw new FileError(ERRNO.isDirectory)
    if (node.kind === 'random') {
      target.set(this.#random(target.length))
      return target.length
    }
    if (node.kind !== 'file') return 0
    const part = node.bytes.subarray(Math.min(position, node.size), Math.min(position + target.length, node.size))
    target.set(part)
    return part.length
  }

  /** Writes `source` at `position`; gives the bytes written. @throws {FileError} */
  write(file: OpenFile, source: Uint8Array, position: number): number {
    const { node } = file
    if (node.kind === 'terminal') this.#print(source)
    if (node.kind !== 'file') return source.length
    if ((file.flags & ACCESS_MASK) === 0) throw new FileError(ERRNO.badDescriptor)
    const end = position + source.length
    if (end > node.size) this.truncate(node, end)
    node.bytes.set(source, position)
    return source.length
  }

  /** Makes a file `size` bytes long; what is new is zero. @throws {FileError} */
  truncate(node: FileNode, size: number): void {
    if (node.kind !== 'file' || !Number.isSafeInteger(size) || size < 0) throw new FileError(ERRNO.invalid)
    if (this.#held - node.size + size > SCRATCH_BYTES_MAX) throw new FileError(ERRNO.noSpace)
    this.#held += size - node.size
    if (size > node.bytes.length) {
      const grown = new Uint8Array(Math.min(Math.max(size, node.bytes.length * 2, 4096), SCRATCH_BYTES_MAX))
      grown.set(node.bytes.subarray(0, node.size))
      node.bytes = grown
    }
    if (size < node.size) node.bytes.fill(0, size, node.size)
    node.size = size
  }

  /** @throws {FileError} */
  lookup(path: string): FileNode {
    const node = this.#nodes.get(path)
    if (node === undefined) throw new FileError(ERRNO.noEntry)
    return node
  }

  /** @throws {FileError} */
  makeFolder(path: string, permissions: number): void {
    if (this.#nodes.has(path)) throw new FileError(ERRNO.exists)
    this.#demandFolder(parentOf(path))
    this.#add(path, 'folder', permissions & 0o777)
  }

  /** @throws {FileError} */
  removeFolder(path: string): void {
    const node = this.lookup(path)
    if (node.kind !== 'folder') throw new FileError(ERRNO.notDirectory)
    if (FOLDERS.includes(path)) throw new FileError(ERRNO.notPermitted)
    if (this.#hasChildren(path)) throw new FileError(ERRNO.notEmpty)
    this.#nodes.delete(path)
  }

  /** @throws {FileError} */
  removeFile(path: string): void {
    const node = this.lookup(path)
    if (node.kind === 'folder') throw new FileError(ERRNO.isDirectory)
    if (node.kind !== 'file') throw new FileError(ERRNO.notPermitted)
    this.#nodes.delete(path)
    node.unlinked = true
    this.#release(node)
  }

  /** @throws {FileError} */
  rename(from: string, to: string): void {
    const node = this.lookup(from)
    if (from === to) return
    if (node.kind === 'folder' && this.#hasChildren(from)) throw new FileError(ERRNO.notEmpty)
    if (node.kind !== 'file' && node.kind !== 'folder') throw new FileError(ERRNO.notPermitted)
    this.#demandFolder(parentOf(to))
    const before = this.#nodes.get(to)
    if (before?.kind === 'file') this.removeFile(to)
    else if (before !== undefined) this.removeFolder(to)
    this.#nodes.delete(from)
    this.#nodes.set(to, node)
  }

  #release(node: FileNode): void {
    if (this.#open.some(file => file?.node === node)) return
    this.#held -= node.size
    node.size = 0
  }

  #hasChildren(path: string): boolean {
    const prefix = path === '/' ? '/' : `${path}/`
    for (const other of this.#nodes.keys()) if (other !== path && other.startsWith(prefix)) return true
    return false
  }

  #demandFolder(path: string): void {
    if (this.lookup(path).kind !== 'folder') throw new FileError(ERRNO.notDirectory)
  }

  #add(path: string, kind: NodeKind, permissions: number): FileNode {
    if (this.#nodes.size >= NODES_MAX) throw new FileError(ERRNO.noSpace)
    const node: FileNode = {
      kind,
      inode: this.#nextInode++,
      permissions,
      size: 0,
      bytes: new Uint8Array(0),
      unlinked: false,
    }
    this.#nodes.set(path, node)
    return node
  }

  #place(file: OpenFile, from: number): number {
    let fd = from
    while (this.#open[fd] !== undefined) fd++
    if (fd >= DESCRIPTORS_MAX) throw new FileError(ERRNO.tooManyFiles)
    this.#open[fd] = file
    return fd
  }
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}

/** An absolute path without `.`, `..` and needless slashes; relative ones begin at the root. */
export function normalizePath(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') parts.pop()
    else parts.push(part)
  }
  return `/${parts.join('/')}`
}
