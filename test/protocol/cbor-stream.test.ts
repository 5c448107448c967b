import { describe, expect, it } from 'vitest'
import { fromBase64Url, fromHex, MalformedBytes, toBase64Url } from '../../protocol/codec/bytes.ts'
import { CborReader, CborWriter, decodeCbor, encodeCbor } from '../../protocol/codec/cbor.ts'
import { seededDice } from '../fakes/seeded-random.ts'

describe('CborWriter and CborReader', () => {
  it('give pieces that nobody writes to again, whatever is written next and at the same time', () => {
    const random = seededDice(3)
    const given: { bytes: Uint8Array; size: number; fill: number }[] = []
    const open: { writer: CborWriter; size: number; fill: number }[] = []
    for (let round = 0; round < 4_000; round++) {
      const [size, fill] = [random(50) === 0 ? random(20_000) : random(400), round % 251]
      const writer = new CborWriter()
      const start = writer.begin()
      writer.raw(new Uint8Array(size).fill(fill))
      writer.end(start)
      open.push({ writer, size, fill })
      while (open.length > random(6)) {
        const [ended] = open.splice(random(open.length), 1)
        if (ended !== undefined) given.push({ ...ended, bytes: ended.writer.finish() })
      }
    }
    for (const { bytes, size, fill } of given) {
      const whole = new CborReader(bytes).bytes()
      expect(whole.length).toBe(size)
      expect(whole.every(byte => byte === fill)).toBe(true)
    }
    // What is kept of them keeps little more than itself.
    const buffers = new Set(given.map(({ bytes }) => bytes.buffer))
    const held = [...buffers].reduce((sum, buffer) => sum + buffer.byteLength, 0)
    expect(held).toBeLessThan(2 * given.reduce((sum, { bytes }) => sum + bytes.length, 0))
  })

  it('write what base64url text spells as the bytes themselves', () => {
    for (let length = 0; length < 40; length++) {
      const text = toBase64Url(new Uint8Array(length).map((_, at) => 7 * at + length))
      const [spelled, plain] = [new CborWriter(), new CborWriter()]
      spelled.base64Url(text)
      spelled.null()
      plain.bytes(fromBase64Url(text))
      plain.null()
      expect(spelled.finish()).toEqual(plain.finish())
    }
    for (const text of ['A', 'AA=', 'A+', 'AB', 'AAB', 'AAAA A'])
      expect(() => new CborWriter().base64Url(text)).toThrow(MalformedBytes)
  })

  it('write and read a frame-like thing, value by value', () => {
    const writer = new CborWriter()
    writer.array(7)
    writer.uint(1)
    writer.int(-5n)
    writer.bytes(new Uint8Array(5000).fill(1))
    writer.text('é'.repeat(30))
    writer.bool(true)
    writer.null()
    writer.raw(encodeCbor([1, 2]))
    const bytes = writer.finish()
    const reader = new CborReader(bytes)
    expect(reader.array()).toBe(7)
    expect(reader.uint()).toBe(1)
    expect(reader.int()).toBe(-5)
    const body = reader.bytes()
    expect(body.buffer).toBe(bytes.buffer)
    expect(body).toHaveLength(5000)
    expect(reader.text()).toBe('é'.repeat(30))
    expect(reader.bool()).toBe(true)
    expect(reader.isNull()).toBe(true)
    expect(reader.null()).toBe(null)
    expect(reader.peek()).toBe(4)
    expect(reader.skip()).toEqual(Uint8Array.of(0x82, 1, 2))
    expect(reader.offset).toBe(bytes.length)
    reader.end()
    expect(() => reader.peek()).toThrow(MalformedBytes)
  })

  it('begin anew after finish, and give copies that nobody writes to again', () => {
    const writer = new CborWriter()
    writer.uint(1)
    const first = writer.finish()
    const other = new CborWriter()
    other.uint(3)
    writer.uint(2)
    expect(first).toEqual(Uint8Array.of(1))
    expect(other.finish()).toEqual(Uint8Array.of(3))
    expect(writer.finish()).toEqual(Uint8Array.of(2))
  })

  it('write a byte string whose length is not known before, as one whose length is', () => {
    for (const inner of [0, 1, 22, 23, 24, 100, 254, 255, 256, 5000, 65_535, 65_536, 70_000]) {
      const content = new Uint8Array(inner).map((_, at) => at % 251)
      const [begun, whole] = [new CborWriter(), new CborWriter()]
      begun.uint(9)
      const outer = begun.begin()
      const start = begun.begin()
      begun.raw(content)
      expect(begun.end(start)).toBe(inner)
      begun.null()
      begun.end(outer)
      begun.uint(1)
      whole.bytes(content)
      whole.null()
      const nested = whole.finish()
      whole.uint(9)
      whole.bytes(nested)
      whole.uint(1)
      expect(Buffer.compare(begun.finish(), whole.finish()), String(inner)).toBe(0)
    }
  })

  it('take back what was written last', () => {
    const writer = new CborWriter()
    writer.uint(1)
    const start = writer.length
    writer.text('gone')
    expect(writer.cut(start)).toEqual(Uint8Array.of(0x64, 0x67, 0x6f, 0x6e, 0x65))
    writer.uint(2)
    expect(writer.finish()).toEqual(Uint8Array.of(1, 2))
  })

  it('check the order of keys that are read one by one, around inner containers', () => {
    const read = (hex: string): void => {
      const reader = new CborReader(fromHex(hex))
      for (let left = reader.map(); left > 0; left--) {
        reader.uint()
        if (reader.peek() === 4) for (let inner = reader.array(); inner > 0; inner--) reader.uint()
        else reader.skip()
      }
      reader.end()
    }
    read('a3018203020201038101')
    read('a201a00280')
    expect(() => read('a3028203020101038101')).toThrow('canonical order')
    expect(() => read('a202a00180')).toThrow('canonical order')
    expect(() => read('a202800180')).toThrow('canonical order')
  })

  it('tell when a map was left half read', () => {
    const reader = new CborReader(fromHex('a10102'))
    reader.map()
    reader.uint()
    expect(() => reader.end()).toThrow(MalformedBytes)
  })

  it.each([
    ['uint', '20'],
    ['uint', '40'],
    ['int', '60'],
    ['bytes', '60'],
    ['text', '40'],
    ['array', 'a0'],
    ['map', '80'],
    ['bool', 'f6'],
    ['bool', '00'],
    ['null', 'f4'],
  ] as const)('%s refuses 0x%s and stays where it is', (method, hex) => {
    const reader = new CborReader(fromHex(hex))
    expect(() => reader[method]()).toThrow(MalformedBytes)
    expect(reader.offset).toBe(0)
  })

  it('read from the middle of a larger array', () => {
    const outer = fromHex('ffff1a000f4240ff')
    const reader = new CborReader(outer.subarray(2, 7))
    expect(reader.uint()).toBe(1000000)
    reader.end()
  })

  it('refuse counts that the bytes left cannot hold', () => {
    expect(new CborReader(fromHex('83000000')).array()).toBe(3)
    expect(() => new CborReader(fromHex('84000000')).array()).toThrow(MalformedBytes)
    expect(new CborReader(fromHex('a200000100')).map()).toBe(2)
    expect(() => new CborReader(fromHex('a2000000')).map()).toThrow(MalformedBytes)
  })

  it('nest maps 64 deep and no more, read one by one', () => {
    const open = (depth: number): void => {
      const reader = new CborReader(fromHex(`${'a100'.repeat(depth)}00`))
      for (let level = 0; level < depth; level++) {
        reader.map()
        reader.uint()
      }
      reader.uint()
      reader.end()
    }
    open(64)
    expect(() => open(65)).toThrow('nested deeper')
  })

  it('make nothing of a declared size that cannot be', () => {
    const before = process.memoryUsage().arrayBuffers
    for (let round = 0; round < 1000; round++) {
      expect(() => decodeCbor(fromHex('9affffffff'))).toThrow(MalformedBytes)
      expect(() => decodeCbor(fromHex('5affffffff'))).toThrow(MalformedBytes)
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024)
  })
})
