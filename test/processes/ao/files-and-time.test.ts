import { describe, expect, it } from 'vitest'
import { ERRNO, FileError } from '../../../processes/ao/errno.ts'
import { normalizePath, OPEN, ScratchFiles, SCRATCH_BYTES_MAX } from '../../../processes/ao/scratch-files.ts'
import { type BrokenDownTime, formatTime } from '../../../processes/ao/strftime.ts'

const files = (): ScratchFiles =>
  new ScratchFiles({ random: length => new Uint8Array(length).fill(7), print: () => undefined })
const WRITE_NEW = OPEN.readWrite | OPEN.create
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function errno(run: () => unknown): number {
  try {
    run()
  } catch (error) {
    if (error instanceof FileError) return error.errno
    throw error
  }
  throw new Error('expected a file error')
}

function content(scratch: ScratchFiles, path: string): string {
  const target = new Uint8Array(100)
  const file = scratch.at(scratch.open(path, 0, 0))
  return new TextDecoder().decode(target.subarray(0, scratch.read(file, target, 0)))
}

describe('files of a slot', () => {
  it('hold what was written, at any place', () => {
    const scratch = files()
    const file = scratch.at(scratch.open('/tmp/a', WRITE_NEW, 0o644))
    expect(scratch.write(file, bytes('hello world'), 0)).toBe(11)
    expect(scratch.write(file, bytes('W'), 6)).toBe(1)
    expect(content(scratch, '/tmp/a')).toBe('hello World')
    scratch.truncate(file.node, 5)
    scratch.truncate(file.node, 7)
    expect(content(scratch, '/tmp/a')).toBe('hello\0\0')
  })

  it.each([
    ['a file that is not there', (scratch: ScratchFiles) => scratch.open('/tmp/none', 0, 0), ERRNO.noEntry],
    [
      'a file in a folder that is not there',
      (scratch: ScratchFiles) => scratch.open('/none/a', WRITE_NEW, 0),
      ERRNO.noEntry,
    ],
    [
      'a new file that is there',
      (scratch: ScratchFiles) => scratch.open('/dev/null', WRITE_NEW | OPEN.exclusive, 0),
      ERRNO.exists,
    ],
    ['a folder, to write', (scratch: ScratchFiles) => scratch.open('/tmp', OPEN.readWrite, 0), ERRNO.isDirectory],
    ['a file as a folder', (scratch: ScratchFiles) => scratch.open('/dev/null', OPEN.folder, 0), ERRNO.notDirectory],
    ['a descriptor nobody opened', (scratch: ScratchFiles) => scratch.at(9), ERRNO.badDescriptor],
    ['a negative descriptor', (scratch: ScratchFiles) => scratch.at(-1), ERRNO.badDescriptor],
    ['removal of a folder that is needed', (scratch: ScratchFiles) => scratch.removeFolder('/tmp'), ERRNO.notPermitted],
    [
      'removal of a full folder',
      (scratch: ScratchFiles) => {
        scratch.makeFolder('/tmp/x', 0)
        scratch.open('/tmp/x/y', WRITE_NEW, 0)
        scratch.removeFolder('/tmp/x')
      },
      ERRNO.notEmpty,
    ],
    ['removal of a device', (scratch: ScratchFiles) => scratch.removeFile('/dev/null'), ERRNO.notPermitted],
  ])('refuse %s', (_, run, expected) => {
    expect(errno(() => run(files()))).toBe(expected)
  })

  it('are bounded together, however they are made and removed', () => {
    const scratch = files()
    const big = (path: string) => {
      const fd = scratch.open(path, WRITE_NEW, 0)
      scratch.truncate(scratch.at(fd).node, SCRATCH_BYTES_MAX / 2)
      return fd
    }
    big('/tmp/a')
    const fd = big('/tmp/b')
    expect(errno(() => big('/tmp/c'))).toBe(ERRNO.noSpace)
    scratch.removeFile('/tmp/b')
    expect(errno(() => big('/tmp/d'))).toBe(ERRNO.noSpace)
    scratch.close(fd)
    expect(big('/tmp/e')).toBeGreaterThan(2)
  })

  it('have a bounded number of descriptors', () => {
    const scratch = files()
    expect(
      errno(() => {
        for (;;) scratch.open('/dev/null', 0, 0)
      }),
    ).toBe(ERRNO.tooManyFiles)
  })

  it('are renamed over one another', () => {
    const scratch = files()
    scratch.write(scratch.at(scratch.open('/tmp/a', WRITE_NEW, 0)), bytes('a'), 0)
    scratch.write(scratch.at(scratch.open('/tmp/b', WRITE_NEW, 0)), bytes('b'), 0)
    scratch.rename('/tmp/a', '/tmp/b')
    expect(content(scratch, '/tmp/b')).toBe('a')
    expect(errno(() => scratch.lookup('/tmp/a'))).toBe(ERRNO.noEntry)
  })

  it('are named in many ways', () => {
    expect(normalizePath('a')).toBe('/a')
    expect(normalizePath('/a/./b//../c/')).toBe('/a/c')
    expect(normalizePath('../../..')).toBe('/')
  })
})

function timeOf(iso: string): BrokenDownTime {
  const date = new Date(`${iso}Z`)
  const start = Date.UTC(date.getUTCFullYear(), 0, 1)
  return {
    second: date.getUTCSeconds(),
    minute: date.getUTCMinutes(),
    hour: date.getUTCHours(),
    monthDay: date.getUTCDate(),
    month: date.getUTCMonth(),
    year: date.getUTCFullYear() - 1900,
    weekDay: date.getUTCDay(),
    yearDay: Math.floor((date.getTime() - start) / 86_400_000),
    offset: 0,
    zone: 'UTC',
  }
}

describe('formatted time', () => {
  it.each([
    ['2024-02-29T00:05:09', '%c', 'Thu Feb 29 00:05:09 2024'],
    ['2024-02-29T12:05:09', '%I:%M %p %y %C %e|%h|%n|%t|%%|%Q', '12:05 PM 24 20 29|Feb|\n|\t|%|%Q'],
    ['2021-01-03T00:00:00', '%G-W%V-%u %w %U %W %j', '2020-W53-7 0 01 00 003'],
    ['2024-12-30T00:00:00', '%G %g %V', '2025 25 01'],
    ['2023-01-01T00:00:00', '%G-%V', '2022-52'],
    ['2027-01-01T23:59:59', '%F %T %R %D %r %z %Z', '2027-01-01 23:59:59 23:59 01/01/27 11:59:59 PM +0000 UTC'],
    ['2027-01-01T23:59:59', '%Ey %Od %A %B', '27 01 Friday January'],
  ])('%s as %s', (iso, pattern, expected) => {
    expect(formatTime(pattern, timeOf(iso))).toBe(expected)
  })
})
