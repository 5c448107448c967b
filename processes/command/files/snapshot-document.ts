import { fromUtf8, MalformedBytes, toUtf8 } from '../../../protocol/index.ts'
import { fromBase64, toBase64 } from '../base64.ts'
import { ProgramStop } from '../program-stop.ts'
import { CallError } from '../wasi/errno.ts'
import { type FileTree, isPathTooLong, walk } from './file-tree.ts'

/** One file as JSON: its text if it is UTF-8, else base64. A folder has neither, and a path with `/` at its end. */
interface FileDocument {
  readonly text?: string
  readonly base64?: string
}

/** All files of a process as JSON: the `state` of a snapshot document. */
export interface FilesDocument {
  readonly files: Readonly<Record<string, FileDocument>>
}

export function exportFiles(tree: FileTree): FilesDocument {
  const files: [string, FileDocument][] = []
  for (const { path, node } of walk(tree.root)) {
    if (node.kind === 'folder') {
      files.push([path, {}])
      continue
    }
    const bytes = new Uint8Array(node.content.size)
    node.content.read(0, bytes)
    files.push([path, documentOf(bytes)])
  }
  return { files: Object.fromEntries(files) }
}

function documentOf(bytes: Uint8Array): FileDocument {
  try {
    return { text: fromUtf8(bytes) }
  } catch (error) {
    if (error instanceof MalformedBytes) return { base64: toBase64(bytes) }
    throw error
  }
}

/** The document that `@export` gives; timers stay where they are, with the process. */
export function snapshotDocument(tree: FileTree): unknown {
  const state = exportFiles(tree)
  return { v: 1, name: 'command', version: '1', state, schedules: [], pending: [] }
}

/** Puts the files of a snapshot document into an empty tree. @throws {ProgramStop} `bad-snapshot` */
export function restoreFiles(tree: FileTree, document: Uint8Array): number {
  const entries = Object.entries(filesOf(document))
  for (const [path, file] of entries) {
    try {
      restoreFile(tree, path, file)
    } catch (error) {
      if (error instanceof CallError) throw badSnapshot(`${path}: ${error.message}`)
      throw error
    }
  }
  return entries.length
}

function restoreFile(tree: FileTree, path: string, file: unknown): void {
  const parts = (path.endsWith('/') ? path.slice(0, -1) : path).split('/')
  const isPlain = parts.every(part => part !== '' && part !== '.' && part !== '..')
  // Two that are no UTF-8 could be one as a cell, and then its pieces were of both.
  const isText = path.isWellFormed() && !path.includes('\0')
  if (!isPlain || !isText || isPathTooLong(path)) throw badSnapshot(`not a path: ${path.toWellFormed()}`)
  if (path.endsWith('/')) {
    tree.makeFolders(path)
    return
  }
  tree.put(path, bytesOf(path, file))
}

function bytesOf(path: string, file: unknown): Uint8Array {
  const { text, base64 } = (typeof file === 'object' && file !== null ? file : {}) as FileDocument
  if (typeof text === 'string' && base64 === undefined) return toUtf8(text)
  const bytes = typeof base64 === 'string' && text === undefined ? fromBase64(base64) : undefined
  if (bytes === undefined) throw badSnapshot(`${path}: expected text or base64`)
  return bytes
}

function filesOf(document: Uint8Array): Readonly<Record<string, unknown>> {
  let snapshot: unknown
  try {
    snapshot = JSON.parse(fromUtf8(document))
  } catch {
    throw badSnapshot('expected JSON')
  }
  const state = fieldOf(snapshot, 'v') === 1 ? fieldOf(snapshot, 'state') : undefined
  const files = fieldOf(state, 'files')
  if (typeof files !== 'object' || files === null || Array.isArray(files))
    throw badSnapshot('expected v 1 and state.files')
  return files as Readonly<Record<string, unknown>>
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined

const badSnapshot = (message: string): ProgramStop => new ProgramStop('bad-snapshot', message.slice(0, 400))
