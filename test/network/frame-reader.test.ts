import { expect, test } from 'vitest'
import { FrameReader, FrameTooLong, writeLength } from '../../network/links/frame-reader.ts'
import { concatBytes } from '../../protocol/index.ts'
import { SeededRandom } from '../../testing/simulation/seeded-random.ts'

const MAX_BYTES = 1_000_000

function framed(frame: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + frame.length)
  writeLength(bytes, 0, frame.length)
  bytes.set(frame, 4)
  return bytes
}

test('frames are those that were sent, in whatever pieces they come', () => {
  const random = new SeededRandom('frames')
  for (let round = 0; round < 200; round++) {
    const frames = Array.from({ length: random.integer(1, 12) }, () => {
      const length = random.integer(0, [3, 40, 5_000][round % 3] ?? 0)
      return Uint8Array.from({ length }, () => random.integer(0, 255))
    })
    const bytes = concatBytes(...frames.map(framed))
    const reader = new FrameReader(MAX_BYTES)
    const taken: Uint8Array[] = []
    for (let at = 0; at < bytes.length; ) {
      const length = random.integer(0, [2, 7, 900, 20_000][round % 4] ?? 0)
      // Whoever brought the piece uses its room again.
      const piece = bytes.slice(at, at + length)
      for (const frame of reader.take(piece)) taken.push(frame.slice())
      piece.fill(0)
      at += length
    }
    expect(taken).toEqual(frames)
    expect(reader.heldBytes).toBe(0)
  }
})

test('a frame that comes a byte at a time is held as a frame, and not as all that its bytes came with', () => {
  const reader = new FrameReader(MAX_BYTES)
  const bytes = framed(new Uint8Array(MAX_BYTES).fill(7))
  for (let at = 0; at < bytes.length - 1; at++) {
    expect([...reader.take(bytes.subarray(at, at + 1))]).toEqual([])
    if (at % 10_007 === 0) expect(reader.heldBytes).toBeLessThanOrEqual(2 * (at + 1))
  }
  const [frame] = [...reader.take(bytes.subarray(-1))]
  expect(frame?.length).toBe(MAX_BYTES)
  expect(frame?.buffer.byteLength).toBe(bytes.length)
})

test('a frame holds no more than twice its bytes, or what small ones share, whatever came with it', () => {
  const frames = [1, 9, 700, 30_000, 40_000].map(length => new Uint8Array(length).fill(length))
  const taken = [...new FrameReader(MAX_BYTES).take(concatBytes(...frames.map(framed)))]
  expect(taken).toEqual(frames)
  for (const { length, buffer } of taken)
    expect(buffer.byteLength, `${length} bytes`).toBeLessThanOrEqual(Math.max(4_096, 2 * length))
})

test('a frame that is most of what came is not copied', () => {
  const piece = framed(new Uint8Array(200))
  const [frame] = new FrameReader(MAX_BYTES).take(piece)
  expect(frame?.buffer).toBe(piece.buffer)
})

test('a frame that announces more than is taken is refused at its head', () => {
  const head = framed(new Uint8Array(MAX_BYTES + 1)).subarray(0, 4)
  for (const pieces of [[head], [head.subarray(0, 1), head.subarray(1)]]) {
    const reader = new FrameReader(MAX_BYTES)
    expect(() => pieces.map(piece => [...reader.take(piece)])).toThrow(FrameTooLong)
  }
})
