import { NAME_GAS } from '../files/file-tree.ts'
import { CallError } from './errno.ts'
import type { WasiCall, WasiHost } from './host.ts'
import { encodeDirent, FLAG_APPEND, fileTypeOf, writeFdstat, writeFilestat } from './layout.ts'
import type { OpenThing } from './open-files.ts'

/** Parts of one read or write, as in POSIX. */
const PARTS_MAX = 1024
/** From the start, from here, from the end. */
const WHENCE_CUR = 1

/** Calls `each` for parts of memory until one is not used whole; gives the sum of what was used. */
function eachPart(host: WasiHost, at: number, count: number, each: (part: Uint8Array, done: number) => number): number {
  if (count >>> 0 > PARTS_MAX) throw new CallError('invalid')
  let total = 0
  for (let index = 0; index < count; index++) {
    const part = host.memory.at(host.memory.u32(at + index * 8), host.memory.u32(at + index * 8 + 4))
    const used = each(part, total)
    total += used
    if (used < part.length) break
  }
  return total
}

function positionOf(offset: bigint): number {
  if (offset < 0n || offset > BigInt(Number.MAX_SAFE_INTEGER)) throw new CallError('invalid')
  return Number(offset)
}

function readAt(thing: OpenThing, position: number, target: Uint8Array): number {
  if (thing.kind === 'file') return thing.node.content.read(position, target)
  if (thing.kind !== 'input') throw new CallError(thing.kind === 'folder' ? 'isFolder' : 'badDescriptor')
  const part = thing.bytes.subarray(position, position + target.length)
  target.set(part)
  return part.length
}

function read(host: WasiHost, fd: number, at: number, count: number, result: number): undefined {
  const thing = host.files.at(fd)
  if (thing.kind === 'folder') throw new CallError('isFolder')
  if (thing.kind === 'output') throw new CallError('badDescriptor')
  const { position } = thing
  const total = eachPart(host, at, count, (part, done) => readAt(thing, position + done, part))
  thing.position += total
  host.memory.setU32(result, total)
}

function write(host: WasiHost, fd: number, at: number, count: number, result: number): undefined {
  const thing = host.files.at(fd)
  if (thing.kind === 'folder' || thing.kind === 'input') throw new CallError('badDescriptor')
  if (thing.kind === 'file' && thing.append) thing.position = thing.node.content.size
  const total = eachPart(host, at, count, part => {
    if (thing.kind === 'output') thing.write(part)
    else {
      host.tree.write(thing.node, thing.position, part)
      thing.position += part.length
    }
    return part.length
  })
  host.memory.setU32(result, total)
}

function sizeOf(thing: OpenThing): number {
  if (thing.kind === 'file') return thing.node.content.size
  return thing.kind === 'input' ? thing.bytes.length : 0
}

function seek(host: WasiHost, fd: number, offset: bigint, whence: number, at: number): undefined {
  const thing = host.files.at(fd)
  if (thing.kind === 'folder') throw new CallError('isFolder')
  if (thing.kind === 'output') throw new CallError('illegalSeek')
  const bases = [0, thing.position, sizeOf(thing)]
  const base = bases[whence]
  if (base === undefined) throw new CallError('invalid')
  thing.position = positionOf(BigInt(base) + offset)
  host.memory.setU64(at, BigInt(thing.position))
}

/** Entries `.` and `..` come first; a cookie is the number of the entry it leads to. */
function readFolder(host: WasiHost, fd: number, at: number, length: number, cookie: bigint, result: number): undefined {
  const folder = host.files.folder(fd)
  const target = host.memory.at(at, length)
  if (cookie === 0n) folder.listing = ['.', '..', ...host.tree.list(folder.node)]
  let used = 0
  for (let index = positionOf(cookie); index < folder.listing.length; index++) {
    const name = folder.listing[index] ?? ''
    const node = name === '.' || name === '..' ? folder.node : folder.node.entries.get(name)
    if (node === undefined) {
      host.charge(NAME_GAS)
      continue
    }
    const entry = encodeDirent(index + 1, node.inode, name, fileTypeOf(node))
    const part = entry.subarray(0, target.length - used)
    target.set(part, used)
    used += part.length
    if (used === target.length) break
  }
  host.memory.setU32(result, used)
}

function prestat(host: WasiHost, fd: number, at: number): undefined {
  const thing = host.files.at(fd)
  if (thing.kind !== 'folder' || !thing.preopened) throw new CallError('badDescriptor')
  host.memory.setU32(at, 0)
  host.memory.setU32(at + 4, 1)
}

/** Whatever there is to sync is synced with the slot. */
const onlyCheck = (host: WasiHost, fd: number): undefined => {
  host.files.at(fd)
}

/** What works on a descriptor. */
export const DESCRIPTOR_CALLS = {
  fd_advise: { type: 'iIIi>i', run: onlyCheck },
  fd_allocate: {
    type: 'iII>i',
    run: (host: WasiHost, fd: number, offset: bigint, length: bigint) => {
      const { node } = host.files.file(fd)
      const end = positionOf(offset) + positionOf(length)
      if (end > node.content.size) host.tree.resize(node, end)
      return undefined
    },
  },
  fd_close: {
    type: 'i>i',
    run: (host: WasiHost, fd: number) => {
      host.files.close(fd)
      return undefined
    },
  },
  fd_datasync: { type: 'i>i', run: onlyCheck },
  fd_fdstat_get: {
    type: 'ii>i',
    run: (host: WasiHost, fd: number, at: number) => {
      writeFdstat(host.memory, at, host.files.at(fd))
      return undefined
    },
  },
  fd_fdstat_set_flags: {
    type: 'ii>i',
    run: (host: WasiHost, fd: number, flags: number) => {
      const thing = host.files.at(fd)
      if (thing.kind === 'file') thing.append = (flags & FLAG_APPEND) !== 0
      return undefined
    },
  },
  fd_fdstat_set_rights: { type: 'iII>i', run: onlyCheck },
  fd_filestat_get: {
    type: 'ii>i',
    run: (host: WasiHost, fd: number, at: number) => {
      const thing = host.files.at(fd)
      const inode = thing.kind === 'file' || thing.kind === 'folder' ? thing.node.inode : 0
      const facts = { inode, type: fileTypeOf(thing), size: sizeOf(thing) }
      writeFilestat(host.memory, at, { ...facts, time: host.clock.started })
      return undefined
    },
  },
  fd_filestat_set_size: {
    type: 'iI>i',
    run: (host: WasiHost, fd: number, size: bigint) => {
      host.tree.resize(host.files.file(fd).node, positionOf(size))
      return undefined
    },
  },
  fd_filestat_set_times: { type: 'iIIi>i', run: onlyCheck },
  fd_pread: {
    type: 'iiiIi>i',
    run: (host: WasiHost, fd: number, at: number, count: number, offset: bigint, result: number) => {
      const thing = host.files.at(fd)
      const position = positionOf(offset)
      const total = eachPart(host, at, count, (part, done) => readAt(thing, position + done, part))
      host.memory.setU32(result, total)
      return undefined
    },
  },
  fd_prestat_get: { type: 'ii>i', run: prestat },
  fd_prestat_dir_name: {
    type: 'iii>i',
    run: (host: WasiHost, fd: number, at: number, length: number) => {
      const thing = host.files.at(fd)
      if (thing.kind !== 'folder' || !thing.preopened) throw new CallError('badDescriptor')
      if (length < 1) throw new CallError('nameTooLong')
      host.memory.setU8(at, '/'.charCodeAt(0))
      return undefined
    },
  },
  fd_pwrite: {
    type: 'iiiIi>i',
    run: (host: WasiHost, fd: number, at: number, count: number, offset: bigint, result: number) => {
      const { node } = host.files.file(fd)
      const position = positionOf(offset)
      const total = eachPart(host, at, count, (part, done) => {
        host.tree.write(node, position + done, part)
        return part.length
      })
      host.memory.setU32(result, total)
      return undefined
    },
  },
  fd_read: { type: 'iiii>i', run: read },
  fd_readdir: { type: 'iiiIi>i', run: readFolder },
  fd_renumber: {
    type: 'ii>i',
    run: (host: WasiHost, from: number, to: number) => {
      host.files.renumber(from, to)
      return undefined
    },
  },
  fd_seek: { type: 'iIii>i', run: seek },
  fd_sync: { type: 'i>i', run: onlyCheck },
  fd_tell: {
    type: 'ii>i',
    run: (host: WasiHost, fd: number, at: number) => seek(host, fd, 0n, WHENCE_CUR, at),
  },
  fd_write: { type: 'iiii>i', run: write },
} as const satisfies Record<string, WasiCall>
