import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ResultsWriter } from '../../compute-unit/evaluation/results-writer.ts'
import {
  asMessageId,
  asProcessId,
  DETAIL_INLINE_MAX_BYTES,
  encodeResult,
  leafHash,
  makePush,
  merkleRoot,
  type Result,
  toBase64Url,
  toUtf8,
} from '../../protocol/index.ts'

const id = toBase64Url(new Uint8Array(32).fill(3))
const push = makePush(
  {
    from: asProcessId(id),
    slot: 1,
    index: 0,
    seq: 0,
    to: asProcessId(id),
    depth: 1,
    fuel: 9n,
    origin: asMessageId(id),
  },
  { kind: 'message', tags: [], data: toUtf8('something'), anchor: undefined },
)

/** Around what stands in heads, what is hashed with others, and what is hashed alone. */
const outputs = fc.oneof(
  fc.integer({ min: DETAIL_INLINE_MAX_BYTES - 20, max: DETAIL_INLINE_MAX_BYTES + 20 }),
  fc.integer({ min: 0, max: 1_000 }),
  fc.constantFrom(255, 256, 4_000, 70_000),
)
const results = fc
  .record({
    slot: fc.nat(70_000),
    message: fc.constantFrom(undefined, new Uint8Array(32).fill(9)),
    gas: fc.bigInt({ min: 0n, max: 2n ** 40n }),
    length: outputs,
    log: fc.constantFrom('', 'a line\n'),
    sends: fc.boolean(),
  })
  .map(
    ({ length, sends, ...parts }): Result => ({
      ...parts,
      status: 'ok',
      error: undefined,
      output: new Uint8Array(length).map((_, at) => at + length),
      outbox: sends ? [push] : [],
      assigns: [],
      dropped: [],
    }),
  )

it('the results of a frame are those that one by one would be, and their root is that over their heads', () => {
  fc.assert(
    fc.property(fc.array(results, { minLength: 1, maxLength: 12 }), all => {
      const writer = new ResultsWriter(all.length)
      for (const result of all) writer.add(result)
      const { bytes, root } = writer.finish()
      const each = all.map(encodeResult)
      expect(Buffer.from(root)).toEqual(Buffer.from(merkleRoot(each.map(({ head }) => leafHash(head)))))
      let at = bytes.length
      for (const { bytes: one } of each.toReversed()) {
        expect(Buffer.compare(bytes.subarray(at - one.length, at), one)).toBe(0)
        at -= one.length + (one.length < 24 ? 1 : one.length < 256 ? 2 : one.length < 65_536 ? 3 : 5)
      }
    }),
  )
})
