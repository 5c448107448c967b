import { ERRNO, FileError } from './errno.ts'
import { type AoHost, bulkGas, type HostFunction, type ImportTable, number } from './host.ts'
import { type FileNode, normalizePath, OPEN, type OpenFile } from './scratch-files.ts'

/** Longest path a guest may name. */
const PATH_MAX_BYTES = 4096
const ASK_TERMINAL_SIZE = 21_523
const AT_CWD = -100
const AT_REMOVE_FOLDER = 512
const AT_EMPTY_PATH = 4096
const DIRECTORY_PERMISSIONS_BIT = 0o040000
const FILE_BIT = 0o100000
const DEVICE_BIT = 0o020000

/** A call of WASI: the error number itself is the result. */
const wasi = (run: (host: AoHost, ...args: number[]) => void) =>
  number((host, ...args) => guard(() => run(host, ...args), 1))

/** A system call of Linux: errors are negative, anything else is the result. */
const syscall = (run: HostFunction) => number((host, ...args) => guard(() => run(host, ...args), -1))

function guard(run: () => unknown, sign: 1 | -1): number {
  try {
    const result = run()
    return typeof result === 'number' ? result : 0
  } catch (error) {
    if (error instanceof FileError) return sign * error.errno
    throw error
  }
}

function pathAt(host: AoHost, folder: number, address: number, allowEmpty = false): string {
  const path = host.memory.readText(address, PATH_MAX_BYTES)
  if (path.startsWith('/')) return normalizePath(path)
  const base = folder === AT_CWD ? '/' : host.files.at(folder).path
  if (path === '' && !allowEmpty) throw new FileError(ERRNO.noEntry)
  return normalizePath(`${base}/${path}`)
}

/** Calls `each` for the parts of an array of address and length. */
function eachPart(
  host: AoHost,
  vector: number,
  count: number,
  each: (address: number, length: number) => boolean,
): void {
  const { memory } = host
  const width = memory.addressBits / 8
  for (let index = 0; index < count; index++) {
    const at = vector + index * 2 * width
    host.charge(16)
    if (!each(memory.readWord(at), memory.readWord(at + width))) return
  }
}

function readParts(host: AoHost, file: OpenFile, vector: number, count: number, from: number): number {
  let total = 0
  eachPart(host, vector, count, (address, length) => {
    host.charge(bulkGas(length))
    const got = host.files.read(file, host.memory.write(address, length), from + total)
    total += got
    return got === length
  })
  return total
}

function writeParts(host: AoHost, file: OpenFile, vector: number, count: number, from: number): number {
  let total = 0
  eachPart(host, vector, count, (address, length) => {
    host.charge(bulkGas(length))
    total += host.files.write(file, host.memory.read(address, length), from + total)
    return true
  })
  return total
}

/** A 64-bit offset: one argument, or two halves. */
const offsetOf = (args: readonly number[]): number =>
  args.length === 1 ? (args[0] ?? 0) : ((args[0] ?? 0) >>> 0) + (args[1] ?? 0) * 4_294_967_296

function seek(host: AoHost, fd: number, ...rest: number[]): void {
  const file = host.files.at(fd)
  const [whence = 0, result = 0] = rest.slice(-2)
  if (file.node.kind === 'terminal') throw new FileError(ERRNO.illegalSeek)
  const base = [0, file.position, file.node.size][whence]
  if (base === undefined) throw new FileError(ERRNO.invalid)
  const position = base + offsetOf(rest.slice(0, -2))
  if (position < 0 || !Number.isSafeInteger(position)) throw new FileError(ERRNO.invalid)
  file.position = position
  host.memory.writeI64(result, position)
}

function modeOf(node: FileNode): number {
  if (node.kind === 'folder') return DIRECTORY_PERMISSIONS_BIT | node.permissions
  return (node.kind === 'file' ? FILE_BIT : DEVICE_BIT) | node.permissions
}

function writeStat(host: AoHost, node: FileNode, at: number): number {
  const { memory, format } = host
  const seconds = Math.floor(host.slot.timestampMs / 1000)
  // Offsets of mode, links, size, block size, blocks, three times, inode.
  const layouts = {
    classic: {
      length: 88,
      mode: 12,
      links: 16,
      size: 40,
      block: 48,
      times: 56,
      step: 8,
      inode: 80,
    },
    compact: { length: 96, mode: 4, links: 8, size: 24, block: 32, times: 40, step: 16, inode: 88 },
    wide: { length: 104, mode: 4, links: 8, size: 32, block: 40, times: 48, step: 16, inode: 96 },
  } as const
  const layout = layouts[format.stat]
  memory.write(at, layout.length).fill(0)
  memory.writeI32(at, 1)
  memory.writeI32(at + layout.mode, modeOf(node))
  memory.writeI32(at + layout.links, 1)
  memory.writeI64(at + layout.size, node.size)
  memory.writeI32(at + layout.block, 4096)
  memory.writeI32(at + layout.block + 4, Math.ceil(node.size / 4096))
  for (let time = 0; time < 3; time++) memory.writeI32(at + layout.times + time * layout.step, seconds)
  memory.writeI64(at + layout.inode, node.inode)
  return 0
}

function control(host: AoHost, fd: number, command: number, varargs: number): number {
  const file = host.files.at(fd)
  switch (command) {
    case 0:
      return host.files.duplicate(file, { from: Math.max(0, host.memory.readI32(varargs)) })
    case 1:
    case 2:
    case 6:
    case 7:
      return 0
    case 3:
      return file.flags
    case 4:
      file.flags |= host.memory.readI32(varargs)
      return 0
    case 5:
      // Ask for a lock: nobody holds one.
      host.memory.writeU16(host.memory.readWord(varargs), 2)
      return 0
    default:
      return -ERRNO.invalid
  }
}

/** Only the size of a terminal can be asked for: the C library does, to see whether it is one. */
function terminal(host: AoHost, fd: number, request: number, varargs: number): number {
  if (host.files.at(fd).node.kind !== 'terminal' || request !== ASK_TERMINAL_SIZE) return -ERRNO.notTerminal
  const at = host.memory.readWord(varargs)
  host.memory.writeU16(at, 24)
  host.memory.writeU16(at + 2, 80)
  return 0
}

function duplicateTo(host: AoHost, fd: number, to: number): number {
  const file = host.files.at(fd)
  return fd === to ? -ERRNO.invalid : host.files.duplicate(file, { fd: to })
}

function workingFolder(host: AoHost, at: number, size: number): number {
  if (size === 0) return -ERRNO.invalid
  return size < 2 ? -ERRNO.range : host.memory.writeText(at, '/')
}

function describeDescriptor(host: AoHost, fd: number, at: number): void {
  const { kind } = host.files.at(fd).node
  host.memory.write(at, 24).fill(0)
  host.memory.writeU8(at, kind === 'terminal' ? 2 : kind === 'folder' ? 3 : 4)
}

/** Files: they live for one slot. */
export const FILE_IMPORTS: ImportTable = {
  fd_close: wasi((host, fd = 0) => host.files.close(fd)),
  fd_sync: wasi((host, fd = 0) => void host.files.at(fd)),
  fd_seek: wasi((host, fd = 0, ...rest) => seek(host, fd, ...rest)),
  fd_fdstat_get: wasi((host, fd = 0, at = 0) => describeDescriptor(host, fd, at)),
  fd_read: wasi((host, fd = 0, vector = 0, count = 0, result = 0) => {
    const file = host.files.at(fd)
    const total = readParts(host, file, vector, count, file.position)
    file.position += total
    host.memory.writeWord(result, total)
  }),
  fd_write: wasi((host, fd = 0, vector = 0, count = 0, result = 0) => {
    const file = host.files.at(fd)
    const from = (file.flags & OPEN.append) === 0 ? file.position : file.node.size
    const total = writeParts(host, file, vector, count, from)
    file.position = from + total
    host.memory.writeWord(result, total)
  }),
  fd_pread: wasi((host, fd = 0, vector = 0, count = 0, ...rest) => {
    const total = readParts(host, host.files.at(fd), vector, count, offsetOf(rest.slice(0, -1)))
    host.memory.writeWord(rest.at(-1) ?? 0, total)
  }),
  fd_pwrite: wasi((host, fd = 0, vector = 0, count = 0, ...rest) => {
    const total = writeParts(host, host.files.at(fd), vector, count, offsetOf(rest.slice(0, -1)))
    host.memory.writeWord(rest.at(-1) ?? 0, total)
  }),
  __syscall_openat: syscall((host, folder = 0, path = 0, flags = 0, varargs = 0) => {
    const mode = varargs === 0 ? 0 : host.memory.readI32(varargs)
    return host.files.open(pathAt(host, folder, path), flags, mode)
  }),
  __syscall_fcntl64: syscall((host, fd = 0, command = 0, varargs = 0) => control(host, fd, command, varargs)),
  __syscall_ioctl: syscall((host, fd = 0, request = 0, varargs = 0) => terminal(host, fd, request, varargs)),
  __syscall_dup3: syscall((host, fd = 0, to = 0) => duplicateTo(host, fd, to)),
  __syscall_fstat64: syscall((host, fd = 0, at = 0) => writeStat(host, host.files.at(fd).node, at)),
  __syscall_stat64: syscall((host, path = 0, at = 0) =>
    writeStat(host, host.files.lookup(pathAt(host, AT_CWD, path)), at),
  ),
  __syscall_lstat64: syscall((host, path = 0, at = 0) =>
    writeStat(host, host.files.lookup(pathAt(host, AT_CWD, path)), at),
  ),
  __syscall_newfstatat: syscall((host, folder = 0, path = 0, at = 0, flags = 0) =>
    writeStat(host, host.files.lookup(pathAt(host, folder, path, (flags & AT_EMPTY_PATH) !== 0)), at),
  ),
  __syscall_ftruncate64: syscall((host, fd = 0, ...length) => {
    const size = offsetOf(length)
    host.charge(bulkGas(Math.max(0, Math.min(size, 2 ** 31))))
    host.files.truncate(host.files.at(fd).node, size)
    return 0
  }),
  __syscall_faccessat: syscall((host, folder = 0, path = 0) => {
    host.files.lookup(pathAt(host, folder, path))
    return 0
  }),
  __syscall_chmod: syscall((host, path = 0, mode = 0) => {
    host.files.lookup(pathAt(host, AT_CWD, path)).permissions = mode & 0o777
    return 0
  }),
  __syscall_fchmod: syscall((host, fd = 0, mode = 0) => {
    host.files.at(fd).node.permissions = mode & 0o777
    return 0
  }),
  __syscall_fchown32: syscall((host, fd = 0) => {
    host.files.at(fd)
    return 0
  }),
  __syscall_utimensat: syscall((host, folder = 0, path = 0) => {
    host.files.lookup(pathAt(host, folder, path, true))
    return 0
  }),
  __syscall_getcwd: syscall((host, at = 0, size = 0) => workingFolder(host, at, size)),
  __syscall_mkdirat: syscall((host, folder = 0, path = 0, mode = 0) => {
    host.files.makeFolder(pathAt(host, folder, path), mode)
    return 0
  }),
  __syscall_rmdir: syscall((host, path = 0) => {
    host.files.removeFolder(pathAt(host, AT_CWD, path))
    return 0
  }),
  __syscall_unlinkat: syscall((host, folder = 0, path = 0, flags = 0) => {
    const name = pathAt(host, folder, path)
    if (flags === AT_REMOVE_FOLDER) host.files.removeFolder(name)
    else host.files.removeFile(name)
    return 0
  }),
  __syscall_renameat: syscall((host, folder = 0, path = 0, toFolder = 0, to = 0) => {
    host.files.rename(pathAt(host, folder, path), pathAt(host, toFolder, to))
    return 0
  }),
  __syscall_readlinkat: syscall((host, folder = 0, path = 0) => {
    host.files.lookup(pathAt(host, folder, path))
    return -ERRNO.invalid
  }),
}
