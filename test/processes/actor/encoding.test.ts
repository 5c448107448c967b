import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GuestMemory } from '../../../processes/actor/guest-memory.ts'
import { MessageEncoder } from '../../../processes/actor/message-layout.ts'
import {
  asMessageId,
  asModuleId,
  CborWriter,
  encodeTags,
  type GuestMessage,
  plainTagsEnd,
  type Tag,
  toBase64Url,
  writeTags,
} from '../../../protocol/index.ts'
import { fakeProcess, guestMessage } from '../../fakes/guest-context.ts'
import { inside } from '../../fakes/inside.ts'

const text = fc.oneof(fc.constantFrom('', 'a', 'same', 'é'), fc.string({ unit: 'grapheme', maxLength: 60 }))
const repeated = fc.constantFrom(1, 2).map(fill => new Uint8Array(32).fill(fill))
const id = fc.oneof(repeated, fc.uint8Array({ minLength: 32, maxLength: 32 }))
const message = fc.record({
  id,
  origin: id,
  target: text,
  from: text,
  owner: text,
  module: fc.option(text, { nil: undefined }),
  tags: fc.array(fc.record({ name: text, value: text }), { maxLength: 4 }),
  data: fc.oneof(fc.uint8Array({ maxLength: 90 }), fc.constantFrom(new Uint8Array(40_000).fill(3))),
  anchor: fc.option(fc.uint8Array({ maxLength: 32 }), { nil: undefined }),
  isRaw: fc.boolean(),
  tagsFrom: fc.constantFrom('text', 'item', 'push'),
})

type Parts = typeof message extends fc.Arbitrary<infer T> ? T : never

function asText({ id: idBytes, origin, target, from, owner, module, tags, data, anchor }: Parts): GuestMessage {
  return guestMessage({
    id: toBase64Url(idBytes),
    origin: asMessageId(toBase64Url(origin)),
    target,
    from,
    owner,
    fromProcess: module === undefined ? undefined : fakeProcess().id,
    fromModule: module === undefined ? undefined : asModuleId(module),
    tags,
    data,
    anchor,
  })
}

/** The same as bytes, if it came so; what would be text is then not asked for. */
function asItCame(parts: Parts): GuestMessage {
  const whole = asText(parts)
  if (!parts.isRaw) return whole
  const tags = parts.tagsFrom === 'item' ? encodeTags(parts.tags) : undefined
  const plainTags = parts.tagsFrom === 'push' ? plainOf(parts.tags) : undefined
  const idPiece = inside(parts.id)
  const originPiece = Buffer.compare(parts.id, parts.origin) === 0 ? idPiece : inside(parts.origin)
  const unread = (tags ?? plainTags) === undefined ? whole.tags : []
  return {
    ...whole,
    id: '',
    origin: asMessageId(''),
    tags: unread,
    data: new Uint8Array(0),
    raw: {
      id: idPiece,
      origin: originPiece,
      tags: tags && inside(tags),
      plainTags: plainTags && inside(plainTags),
      data: inside(parts.data),
    },
  }
}

/** Tags as a push has them, if they are plain. */
function plainOf(tags: readonly Tag[]): Uint8Array | undefined {
  const writer = new CborWriter()
  writeTags(writer, tags)
  const bytes = writer.finish()
  return plainTagsEnd(bytes, 0) === 0 ? undefined : bytes
}

describe('the encoder of messages', () => {
  it('writes a message the same whatever came before it, as text or as bytes', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 12 }), messages => {
        const encoder = new MessageEncoder()
        for (const parts of messages) {
          const expected = new MessageEncoder().encode(asText(parts))
          expect(Buffer.compare(encoder.encode(asItCame(parts)), expected)).toBe(0)
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('keys in the memory of a guest', () => {
  it('are read as they are, whichever were read before', () => {
    const memory = new GuestMemory(new WebAssembly.Memory({ initial: 1 }), new WebAssembly.Memory({ initial: 1 }))
    // Many agree in what they are looked up by: their length, their first and their last byte.
    const key = fc.array(fc.constantFrom(0, 1, 97, 255), { maxLength: 5 })
    fc.assert(
      fc.property(key, fc.nat(1000), (bytes, at) => {
        memory.write(at, Uint8Array.from(bytes), 'test')
        const read = memory.readKey(at, bytes.length, 'test')
        expect(Array.from(read, char => char.charCodeAt(0))).toEqual(bytes)
      }),
      { numRuns: 2000 },
    )
  })
})
