import { expect, it } from 'vitest'
import { PacketReader, PacketWriter } from '../../compute-unit/hosts/packet-stream.ts'
import { seededDice } from '../fakes/seeded-random.ts'

const MAX_BYTES = 100_000

/** Packets of these sizes, as they go into the stream. */
function stream(sizes: readonly number[]): Uint8Array {
  const writer = new PacketWriter()
  for (const [at, size] of sizes.entries()) writer.add(cbor => cbor.raw(new Uint8Array(size).fill(at % 251)))
  return writer.finish()
}

it('gives packets as they were added, however the stream is cut', () => {
  const random = seededDice(7)
  const sizes = Array.from({ length: 300 }, (_, at) => (at % 50 === 0 ? 70_000 : random(300)))
  const bytes = stream(sizes)
  for (const most of [1_000_000, 5_000, 3]) {
    const reader = new PacketReader(MAX_BYTES)
    const given: Uint8Array[] = []
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + random(most)
      given.push(...reader.take(bytes.slice(at, end)))
      at = end
    }
    expect(given.map(packet => packet.length)).toEqual(sizes)
    expect(given.every((packet, at) => packet.every(byte => byte === at % 251))).toBe(true)
  }
})

it('refuses a packet above the bound as soon as its length is there', () => {
  const reader = new PacketReader(MAX_BYTES)
  expect(() => reader.take(stream([5, MAX_BYTES + 1]).subarray(0, 13))).toThrow(RangeError)
})

it('has nothing of a packet that could not be written', () => {
  const writer = new PacketWriter()
  writer.add(cbor => cbor.text('before'))
  const { length } = writer
  expect(() =>
    writer.add(cbor => {
      cbor.array(2)
      cbor.text('\ud800')
    }),
  ).toThrow(TypeError)
  expect(writer.length).toBe(length)
  writer.add(cbor => cbor.text('behind'))
  expect(new PacketReader(MAX_BYTES).take(writer.finish()).map(packet => packet.length)).toEqual([7, 7])
  expect(writer.length).toBe(0)
})
