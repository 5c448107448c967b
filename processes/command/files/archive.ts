import { fromUtf8, MalformedBytes } from '../../../protocol/index.ts'

const BLOCK = 512
const FILE_TYPES = new Set(['0', '\0', ''])
const FOLDER_TYPE = '5'

/** A file of an archive; its path has no `.`, no `..` and no slash at either end. */
export interface ArchivedFile {
  readonly path: string
  readonly bytes: Uint8Array
}

/**
 * Files of a tar archive (ustar, as `tar --format=ustar` writes it), in their order. Folders follow from
 * paths; links, devices and extended headers are not taken. @throws {MalformedBytes}
 */
export function* readArchive(archive: Uint8Array): Generator<ArchivedFile> {
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const header = archive.subarray(at, at + BLOCK)
    // Two empty blocks close an archive.
    if (header.every(byte => byte === 0)) return
    checkSum(header, at)
    const size = readOctal(header, 124, 12, at)
    const type = textAt(header, 156, 1)
    const end = at + BLOCK + size
    if (end > archive.length) throw new MalformedBytes('tar: cut short', at)
    const path = pathOf(header, at)
    if (FILE_TYPES.has(type)) {
      if (path === '') throw new MalformedBytes('tar: a file without a name', at)
      yield { path, bytes: archive.subarray(at + BLOCK, end) }
    } else if (type !== FOLDER_TYPE) {
      throw new MalformedBytes(`tar: expected files and folders only, got type ${type}`, at)
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
  }
  throw new MalformedBytes('tar: expected two empty blocks at the end', archive.length)
}

function pathOf(header: Uint8Array, at: number): string {
  const isUstar = textAt(header, 257, 5) === 'ustar'
  const prefix = isUstar ? textAt(header, 345, 155) : ''
  const name = textAt(header, 0, 100)
  const path = prefix === '' ? name : `${prefix}/${name}`
  const parts = path.split('/').filter(part => part !== '' && part !== '.')
  if (parts.includes('..') || path.startsWith('/')) {
    throw new MalformedBytes('tar: expected paths that stay inside', at)
  }
  return parts.join('/')
}

/** Text up to a zero byte. */
function textAt(header: Uint8Array, start: number, length: number): string {
  const field = header.subarray(start, start + length)
  const end = field.indexOf(0)
  return fromUtf8(end < 0 ? field : field.subarray(0, end))
}

function readOctal(header: Uint8Array, start: number, length: number, at: number): number {
  const text = textAt(header, start, length).trim()
  if (!/^[0-7]{1,11}$/.test(text)) throw new MalformedBytes('tar: expected an octal number', at)
  return Number.parseInt(text, 8)
}

function checkSum(header: Uint8Array, at: number): void {
  let sum = 8 * 32
  for (const [index, byte] of header.entries()) if (index < 148 || index >= 156) sum += byte
  if (readOctal(header, 148, 8, at) !== sum) throw new MalformedBytes('tar: wrong checksum', at)
}
