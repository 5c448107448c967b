import { fromUtf8 } from '../../../protocol/index.ts'
import type { Place } from '../files/file-tree.ts'
import { CallError } from './errno.ts'
import type { WasiCall, WasiHost } from './host.ts'
import { fileTypeOf, FLAG_APPEND, writeFilestat } from './layout.ts'

/** Longest path a program may name; what is kept has a bound of its own. */
export const PATH_ASKED_MAX_BYTES = 4096

const CREATE = 1
const FOLDER_ONLY = 2
const EXCLUSIVE = 4
const TRUNCATE = 8

/** @throws {CallError} */
function placeAt(host: WasiHost, fd: number, at: number, length: number): Place {
  const { node } = host.files.folder(fd)
  if (length >>> 0 > PATH_ASKED_MAX_BYTES) throw new CallError('nameTooLong')
  const path = pathText(host.memory.at(at, length))
  if (path === '') throw new CallError('noEntry')
  if (path.startsWith('/')) throw new CallError('notCapable')
  return host.tree.find(node, path)
}

function pathText(bytes: Uint8Array): string {
  if (bytes.includes(0)) throw new CallError('invalid')
  try {
    return fromUtf8(bytes)
  } catch {
    throw new CallError('badSequence')
  }
}

function open(
  host: WasiHost,
  folder: number,
  _lookup: number,
  at: number,
  length: number,
  how: number,
  _rights: bigint,
  _inheriting: bigint,
  flags: number,
  result: number,
): undefined {
  const place = placeAt(host, folder, at, length)
  const isNew = place.node === undefined
  if (isNew && (how & CREATE) === 0) throw new CallError('noEntry')
  if (!isNew && (how & CREATE) !== 0 && (how & EXCLUSIVE) !== 0) throw new CallError('exists')
  if (isNew && (how & FOLDER_ONLY) !== 0) throw new CallError('invalid')
  const node = place.node ?? host.tree.makeFile(place)
  if (node.kind === 'folder') {
    if ((how & (CREATE | TRUNCATE)) !== 0) throw new CallError('isFolder')
    host.memory.setU32(result, host.files.add({ kind: 'folder', node, preopened: false, listing: [] }))
    return
  }
  if ((how & FOLDER_ONLY) !== 0) throw new CallError('notFolder')
  if ((how & TRUNCATE) !== 0) host.tree.resize(node, 0)
  const append = (flags & FLAG_APPEND) !== 0
  host.memory.setU32(result, host.files.add({ kind: 'file', node, position: 0, append }))
}

const noLinks = (host: WasiHost, fd: number): undefined => {
  host.files.folder(fd)
  throw new CallError('notSupported')
}

/** What works on a path below a folder. There are no links. */
export const PATH_CALLS = {
  path_create_directory: {
    type: 'iii>i',
    run: (host: WasiHost, fd: number, at: number, length: number) => {
      host.tree.makeFolder(placeAt(host, fd, at, length))
      return undefined
    },
  },
  path_filestat_get: {
    type: 'iiiii>i',
    run: (host: WasiHost, fd: number, _flags: number, at: number, length: number, to: number) => {
      const { node } = placeAt(host, fd, at, length)
      if (node === undefined) throw new CallError('noEntry')
      const size = node.kind === 'file' ? node.content.size : 0
      const facts = { inode: node.inode, type: fileTypeOf(node), size }
      writeFilestat(host.memory, to, { ...facts, time: host.clock.started })
      return undefined
    },
  },
  path_filestat_set_times: {
    type: 'iiiiIIi>i',
    run: (host: WasiHost, fd: number, _flags: number, at: number, length: number) => {
      if (placeAt(host, fd, at, length).node === undefined) throw new CallError('noEntry')
      return undefined
    },
  },
  path_link: { type: 'iiiiiii>i', run: noLinks },
  path_open: { type: 'iiiiiIIii>i', run: open },
  path_readlink: {
    type: 'iiiiii>i',
    run: (host: WasiHost, fd: number, at: number, length: number) => {
      const { node } = placeAt(host, fd, at, length)
      throw new CallError(node === undefined ? 'noEntry' : 'invalid')
    },
  },
  path_remove_directory: {
    type: 'iii>i',
    run: (host: WasiHost, fd: number, at: number, length: number) => {
      host.tree.removeFolder(placeAt(host, fd, at, length))
      return undefined
    },
  },
  path_rename: {
    type: 'iiiiii>i',
    run: (
      host: WasiHost,
      fromFd: number,
      fromAt: number,
      fromLength: number,
      toFd: number,
      toAt: number,
      toLength: number,
    ) => {
      const from = placeAt(host, fromFd, fromAt, fromLength)
      host.tree.rename(from, placeAt(host, toFd, toAt, toLength))
      return undefined
    },
  },
  path_symlink: {
    type: 'iiiii>i',
    run: (host: WasiHost, _at: number, _length: number, fd: number) => noLinks(host, fd),
  },
  path_unlink_file: {
    type: 'iii>i',
    run: (host: WasiHost, fd: number, at: number, length: number) => {
      host.tree.removeFile(placeAt(host, fd, at, length))
      return undefined
    },
  },
} as const satisfies Record<string, WasiCall>
