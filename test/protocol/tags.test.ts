import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, MalformedBytes, toHex } from '../../protocol/codec/bytes.ts'
import {
  decodeTags,
  encodeTags,
  findTag,
  refuseDuplicateSystemTags,
  SYSTEM_TAGS,
  type Tag,
} from '../../protocol/items/tags.ts'

interface TagsOracle {
  serializeTags(tags: readonly Tag[]): Uint8Array
  deserializeTags(bytes: Uint8Array): Tag[]
}

const oracle: TagsOracle = createRequire(import.meta.url)('@dha-team/arbundles')

const text = fc.string({ unit: 'binary', maxLength: 40 })
const tagList = fc.array(fc.record({ name: text, value: text }, { noNullPrototype: true }), {
  maxLength: 20,
})

describe('tags', () => {
  it('are written and read as arbundles does', () => {
    fc.assert(
      fc.property(tagList, tags => {
        const bytes = encodeTags(tags)
        expect(toHex(bytes)).toBe(toHex(oracle.serializeTags(tags)))
        expect(decodeTags(bytes)).toEqual(tags)
        expect(oracle.deserializeTags(Buffer.from(bytes))).toEqual(tags)
      }),
      { numRuns: 400 },
    )
  })

  it('have one encoding: whatever is taken is what we would write', () => {
    let taken = 0
    const damaged = fc.tuple(tagList, fc.nat(), fc.nat(255)).map(([tags, at, byte]) => {
      const bytes = encodeTags(tags).slice()
      if (bytes.length > 0) bytes[at % bytes.length] = byte
      return bytes
    })
    fc.assert(
      fc.property(damaged, bytes => {
        let tags: Tag[]
        try {
          tags = decodeTags(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedBytes)
          return
        }
        if (tags.length === 0) return
        taken++
        expect(toHex(encodeTags(tags))).toBe(toHex(bytes))
      }),
      { numRuns: 3000 },
    )
    expect(taken).toBeGreaterThan(300)
  })

  it.each([
    ['no tags in two bytes', '0000'],
    ['one tag announced, none there', '02'],
    ['no closing zero', '0202610262'],
    ['another byte instead of it', '020261026201'],
    ['a byte after it', '02026102620000'],
    ['a second block', '0202610262020261026200'],
    ['a negative block count with its size', '010802610262' + '00'],
    ['a count in long form', '8200026102620000'],
    ['a length in long form', '02820061026200'],
    ['a negative length', '020161026200'],
    ['a text that runs out of the bytes', '0202610a6200'],
    ['a length of 2^40', '0280808080808001'],
    ['a count of 129', `8202${'0000'.repeat(129)}00`],
    ['a name that is no UTF-8', '0202ff026200'],
    ['a value that is no UTF-8', '0202610480ff00'],
    ['an encoded surrogate', '0206eda080026200'],
    ['a number that never ends', `02${'ff'.repeat(50)}`],
  ])('are refused: %s', (_, hex) => {
    expect(() => decodeTags(fromHex(hex))).toThrow(MalformedBytes)
  })

  it('are refused at every cut', () => {
    const bytes = encodeTags([
      { name: 'Action', value: 'Transfer' },
      { name: 'ü', value: '' },
    ])
    for (let length = 1; length < bytes.length; length++) {
      expect(() => decodeTags(bytes.subarray(0, length))).toThrow(MalformedBytes)
    }
  })

  it('may be 128 and no more', () => {
    const tags = (count: number): Tag[] => Array.from({ length: count }, () => ({ name: 'n', value: 'v' }))
    expect(decodeTags(encodeTags(tags(128)))).toHaveLength(128)
    expect(() => encodeTags(tags(129))).toThrow(RangeError)
    expect(() => decodeTags(oracle.serializeTags(tags(129)))).toThrow(MalformedBytes)
  })

  it('may take 4,096 bytes and no more', () => {
    const fits = [{ name: 'n', value: 'v'.repeat(4090) }]
    expect(encodeTags(fits)).toHaveLength(4096)
    expect(decodeTags(encodeTags(fits))).toEqual(fits)
    for (const length of [4091, 4092, 4093, 4096, 100_000]) {
      expect(() => encodeTags([{ name: 'n', value: 'v'.repeat(length) }])).toThrow(RangeError)
    }
    const large = fromHex(`02026ef63f${'76'.repeat(4091)}00`)
    expect(large).toHaveLength(4097)
    expect(() => decodeTags(large)).toThrow(MalformedBytes)
  })

  it('may have empty names and values, may repeat, and keep their order', () => {
    const tags = [
      { name: '', value: '' },
      { name: '', value: 'b' },
      { name: 'a', value: '' },
    ]
    expect(decodeTags(encodeTags(tags))).toEqual(tags)
    expect(decodeTags(new Uint8Array(0))).toEqual([])
    expect(decodeTags(new Uint8Array(1))).toEqual([])
    expect(encodeTags([])).toHaveLength(0)
  })

  it('are not written with lone surrogates', () => {
    expect(() => encodeTags([{ name: '\ud800', value: '' }])).toThrow(TypeError)
    expect(() => encodeTags([{ name: '', value: 'a\udc00' }])).toThrow(TypeError)
  })

  it('never become properties of an object', () => {
    const tags = decodeTags(
      encodeTags([
        { name: '__proto__', value: 'x' },
        { name: 'toString', value: 'y' },
      ]),
    )
    expect('x' in {}).toBe(false)
    expect(findTag(tags, '__proto__')).toBe('x')
    expect(findTag(tags, 'toString')).toBe('y')
    expect(findTag(tags, 'constructor')).toBeUndefined()
  })

  it('are found by exact name, the first one first', () => {
    const tags = [
      { name: 'a', value: '1' },
      { name: 'A', value: '2' },
      { name: 'a', value: '3' },
    ]
    expect(findTag(tags, 'a')).toBe('1')
    expect(findTag(tags, 'A')).toBe('2')
    expect(findTag(tags, 'b')).toBeUndefined()
  })
})

describe('system tags', () => {
  it.each([...SYSTEM_TAGS].filter(name => name !== 'Scheduler'))(
    'refuse a second %s, in any case, but one that says the same',
    name => {
      const tag = { name, value: 'x' }
      const between = { name: 'Action', value: '' }
      refuseDuplicateSystemTags([tag, between, tag])
      const others = [
        { name, value: 'y' },
        { name: name.toLowerCase(), value: 'x' },
      ]
      for (const other of others)
        expect(() => refuseDuplicateSystemTags([tag, between, tag, other])).toThrow(MalformedBytes)
    },
  )

  it('let several schedulers be named, spelled alike', () => {
    const tag = { name: 'Scheduler', value: 'x' }
    refuseDuplicateSystemTags([tag, { ...tag, value: 'y' }, { ...tag, value: 'z' }])
    refuseDuplicateSystemTags([
      { name: 'scheduler', value: 'x' },
      { name: 'scheduler', value: 'y' },
    ])
    for (const name of ['scheduler', 'SCHEDULER'])
      expect(() => refuseDuplicateSystemTags([tag, { name, value: 'y' }])).toThrow(MalformedBytes)
  })

  it('leave alone what honest messages repeat', () => {
    refuseDuplicateSystemTags(
      ['Authority', 'Data-Protocol', 'Cron-Interval', 'Cron-Tag-Action', 'Action', '__proto__'].flatMap(name => [
        { name, value: '1' },
        { name, value: '2' },
      ]),
    )
  })
})

it('texts that are remembered are those that were written, whoever shares their place', () => {
  for (let round = 0; round < 2; round++) {
    for (let at = 0; at < 20_000; at += 7) {
      const tags = [
        { name: `Name-${at}`, value: String(at) },
        { name: 'a'.repeat(at % 40), value: at % 3 === 0 ? `é${at}` : '' },
      ]
      expect(decodeTags(encodeTags(tags))).toEqual(tags)
    }
  }
})
