import { crc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { decodeHeader, encodeGroup, encodeHeader, marksOf, readSegment } from '../../log/journal/journal-format.ts'
import { feedName } from '../../protocol/index.ts'
import { blockOf, messagesOf } from '../conformance/log.ts'

const feed = messagesOf('a')
const block = { name: feedName(feed), block: blockOf(feed, 0, 'text of the message') }
const headerOf = (salt: number): Uint8Array =>
  encodeHeader({ ...marksOf(salt), generation: 3, previousEnd: 0, folder: new Uint8Array(16) })

test('what groups begin with is another thing in each segment: no message can be full of it', () => {
  const begins = [1, 2, 0xffffffff].map(salt => {
    const [head] = encodeGroup(0, [block], new Map(), marksOf(salt))
    return Buffer.from(head.subarray(0, 4)).toString('hex')
  })
  expect(new Set(begins).size).toBe(3)
})

test('a segment is read by the marks that its header tells', () => {
  const segment = Buffer.concat([headerOf(77), ...encodeGroup(0, [block], new Map(), marksOf(77))])
  const header = decodeHeader(segment) ?? expect.fail('no header')
  expect(readSegment(segment, header, 0)).toMatchObject({ blocks: [block.block], end: segment.length, damaged: false })
  expect(readSegment(segment, marksOf(78), 0).blocks).toEqual([])
})

test('a segment of before, whose groups all began alike, is read as it was written', () => {
  const header = Buffer.from(headerOf(77))
  header.write('ATJ1', 0, 'latin1')
  header.writeUInt32LE(crc32(header.subarray(0, 60)), 60)
  const marks = { salt: 77, groupMagic: 0x3147ab9e }
  expect(decodeHeader(header)).toMatchObject(marks)
  const segment = Buffer.concat([header, ...encodeGroup(0, [block], new Map(), marks)])
  expect(readSegment(segment, marks, 0)).toMatchObject({ blocks: [block.block], damaged: false })
})
