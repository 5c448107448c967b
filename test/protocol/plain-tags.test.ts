import { describe, expect, it } from 'vitest'
import {
  concatBytes,
  decodePushBody,
  fromUtf8,
  makePush,
  outlinePushBody,
  type Piece,
  PlainTagCursor,
  type PushBody,
  type Tag,
  viewOf,
} from '../../protocol/index.ts'
import { inside } from '../fakes/inside.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { seededDice } from '../fakes/seeded-random.ts'

const CORE = { slot: 1, index: 0, seq: 0, depth: 1, fuel: 1n } as const

function bodyOf(tags: readonly Tag[], anchor?: Uint8Array): Uint8Array {
  const body: PushBody = { kind: 'message', tags, data: new Uint8Array([1, 2]), anchor }
  const [from, to, origin] = [fakeId(1), fakeId(2), fakeId(3)]
  return makePush({ ...CORE, from, to, origin } as Parameters<typeof makePush>[0], body).bodyBytes
}

/** The tags by the cursor, as text. */
function readPlain(piece: Piece): Tag[] {
  const { bytes } = piece
  const cursor = new PlainTagCursor(piece)
  const next = (): string => {
    cursor.next()
    return fromUtf8(bytes.subarray(cursor.start, cursor.end))
  }
  return Array.from({ length: cursor.count }, () => ({ name: next(), value: next() }))
}

const tag = (name: string, value: string): Tag => ({ name, value })
const PLAIN: readonly (readonly Tag[])[] = [
  [],
  [tag('', '')],
  [tag('Action', 'Credit-Notice'), tag('Quantity', '100'), tag('Action', 'again')],
  [tag('a'.repeat(23), 'b'.repeat(24)), tag('c'.repeat(255), '\0\x7f')],
  Array.from({ length: 127 }, (_, at) => tag(`n${at}`, `v${at}`)),
]
const NOT_PLAIN: readonly (readonly Tag[])[] = [
  [tag('é', 'a')],
  [tag('a', 'b'), tag('c', '🙂')],
  [tag('a', 'b'.repeat(256))],
  Array.from({ length: 128 }, (_, at) => tag(`n${at}`, 'v')),
]

describe('tags of a push that stay bytes', () => {
  it('say the same as text made of them', () => {
    for (const tags of PLAIN) {
      for (const anchor of [undefined, new Uint8Array(32).fill(4)]) {
        const bytes = bodyOf(tags, anchor)
        const outline = outlinePushBody(inside(bytes))
        if (outline === undefined) throw new Error('not plain')
        const { tagsPiece, dataPiece, ...rest } = outline
        expect({ ...rest, tags: readPlain(tagsPiece), data: viewOf(dataPiece) }).toEqual(decodePushBody(bytes))
        expect(rest.anchor).toEqual(anchor)
      }
    }
  })

  it('are left to the decoder where they are not short and of ASCII alone', () => {
    for (const tags of NOT_PLAIN) {
      expect(outlinePushBody(inside(bodyOf(tags)))).toBeUndefined()
      expect(decodePushBody(bodyOf(tags)).tags).toEqual(tags)
    }
  })

  it('pass for plain only where the decoder takes them, whatever the bytes', () => {
    const below = seededDice(41)
    const bodies = [...PLAIN, ...NOT_PLAIN].map(tags => bodyOf(tags))
    let [plain, refused] = [0, 0]
    for (let turn = 0; turn < 20_000; turn++) {
      const body = bodies[below(bodies.length)] ?? concatBytes()
      const bytes = below(8) === 0 ? body.slice(0, below(body.length)) : body.slice()
      for (let n = 1 + below(2); n > 0; n--) bytes[below(bytes.length)] = below(2) === 0 ? below(256) : 0x60 + below(32)
      const wanted = attempt(() => decodePushBody(bytes))
      const outline = attempt(() => outlinePushBody(inside(bytes)))
      if (wanted === undefined) {
        refused += 1
        expect(outline).toBeUndefined()
      } else if (outline !== undefined) {
        plain += 1
        const { tagsPiece, dataPiece, ...rest } = outline
        expect({ ...rest, tags: readPlain(tagsPiece), data: viewOf(dataPiece) }).toEqual(wanted)
      }
    }
    expect(Math.min(plain, refused)).toBeGreaterThan(1_000)
  })
})

function attempt<T>(body: () => T): T | undefined {
  try {
    return body()
  } catch {
    return undefined
  }
}
