import { COMMAND_DESCRIPTORS_MAX, COMMAND_STDOUT_MAX_BYTES } from '../../../protocol/index.ts'
import type { FileNode, FileTree, FolderNode } from '../files/file-tree.ts'
import { ProgramStop } from '../program-stop.ts'
import { CallError } from './errno.ts'

/** Bytes of the log that are kept; the rest is dropped. */
const LOG_MAX_BYTES = 64 * 1024

/** What the program writes to one of its streams. */
export class OutputStream {
  readonly kind = 'output'
  readonly #maxBytes: number
  readonly #onTooMuch: 'stop' | 'drop'
  /** Doubled when full: a list of parts would take hundreds of bytes for each that a program writes alone. */
  #buffer = new Uint8Array(0)
  #used = 0

  constructor(maxBytes: number, onTooMuch: 'stop' | 'drop') {
    this.#maxBytes = maxBytes
    this.#onTooMuch = onTooMuch
  }

  write(bytes: Uint8Array): void {
    const room = this.#maxBytes - this.#used
    if (bytes.length > room && this.#onTooMuch === 'stop') {
      throw new ProgramStop('output-limit', `more than ${this.#maxBytes} bytes on stdout`)
    }
    const part = bytes.subarray(0, room)
    const end = this.#used + part.length
    if (end > this.#buffer.length) this.#grow(end)
    this.#buffer.set(part, this.#used)
    this.#used = end
  }

  bytes(): Uint8Array {
    return this.#buffer.slice(0, this.#used)
  }

  #grow(bytes: number): void {
    const larger = new Uint8Array(Math.min(this.#maxBytes, Math.max(bytes, 2 * this.#buffer.length)))
    larger.set(this.#buffer)
    this.#buffer = larger
  }
}

export interface OpenFile {
  readonly kind: 'file'
  readonly node: FileNode
  position: number
  append: boolean
}

export interface OpenFolder {
  readonly kind: 'folder'
  readonly node: FolderNode
  /** The root, which the program finds open. */
  readonly preopened: boolean
  /** Names as they were when reading began, so that changes meanwhile confuse nobody. */
  listing: readonly string[]
}

export interface InputStream {
  readonly kind: 'input'
  readonly bytes: Uint8Array
  position: number
}

export type OpenThing = OpenFile | OpenFolder | InputStream | OutputStream

const FIRST_FREE = 3

/** Descriptors of one run: 0 stdin, 1 stdout, 2 stderr, 3 the root folder; the lowest free one comes next. */
export class OpenFiles {
  readonly stdout = new OutputStream(COMMAND_STDOUT_MAX_BYTES, 'stop')
  readonly stderr = new OutputStream(LOG_MAX_BYTES, 'drop')
  readonly #tree: FileTree
  readonly #open = new Map<number, OpenThing>()

  constructor(tree: FileTree, stdin: Uint8Array) {
    this.#tree = tree
    this.#open.set(0, { kind: 'input', bytes: stdin, position: 0 })
    this.#open.set(1, this.stdout)
    this.#open.set(2, this.stderr)
    this.#open.set(3, { kind: 'folder', node: tree.root, preopened: true, listing: [] })
  }

  at(descriptor: number): OpenThing {
    const thing = this.#open.get(descriptor >>> 0)
    if (thing === undefined) throw new CallError('badDescriptor')
    return thing
  }

  file(descriptor: number): OpenFile {
    const thing = this.at(descriptor)
    if (thing.kind === 'folder') throw new CallError('isFolder')
    if (thing.kind !== 'file') throw new CallError('invalid')
    return thing
  }

  folder(descriptor: number): OpenFolder {
    const thing = this.at(descriptor)
    if (thing.kind !== 'folder') throw new CallError('notFolder')
    return thing
  }

  add(thing: OpenThing): number {
    if (this.#open.size >= COMMAND_DESCRIPTORS_MAX) throw new CallError('tooManyDescriptors')
    let descriptor = FIRST_FREE
    while (this.#open.has(descriptor)) descriptor += 1
    this.#open.set(descriptor, thing)
    if (thing.kind === 'file') thing.node.opened += 1
    return descriptor
  }

  close(descriptor: number): void {
    const thing = this.at(descriptor)
    this.#open.delete(descriptor >>> 0)
    if (thing.kind === 'file') this.#tree.closed(thing.node)
  }

  /** Gives what is open as `from` the number `to`, which must be open and is closed. */
  renumber(from: number, to: number): void {
    const thing = this.at(from)
    this.at(to)
    if (from >>> 0 === to >>> 0) return
    this.close(to)
    this.#open.delete(from >>> 0)
    this.#open.set(to >>> 0, thing)
  }
}
