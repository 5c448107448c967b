import { describe, expect, it } from 'vitest'
import {
  CborReader,
  asMessageId,
  asProcessId,
  CborWriter,
  concatBytes,
  decodeResult,
  decodeResultHead,
  decodeSending,
  DETAIL_INLINE_MAX_BYTES,
  encodeResult,
  makePush,
  MalformedBytes,
  type Result,
  RESULT_STATUSES,
  resultHeadOf,
  toBase64Url,
} from '../../protocol/index.ts'

/** A detail without error, log and the like has that many bytes besides its output, if that is not short. */
const BESIDES = 7

function resultOf(parts: Partial<Result> = {}): Result {
  const whole = {
    slot: 70_000,
    message: new Uint8Array(32).fill(9),
    status: 'ok',
    gas: 12_345n,
    error: undefined,
    output: new Uint8Array([0x35]),
    log: '',
    outbox: [],
    assigns: [],
    dropped: [],
  } as const
  return { ...whole, ...parts }
}

const withOutput = (bytes: number): Result => resultOf({ output: new Uint8Array(bytes).fill(7) })

describe('an encoded result', () => {
  it('tells what it asks to be sent without the rest', () => {
    const core = {
      from: toBase64Url(new Uint8Array(32)),
      slot: 1,
      index: 0,
      seq: 0,
      to: toBase64Url(new Uint8Array(32).fill(1)),
    }
    const body = { kind: 'message', tags: [], data: new Uint8Array(3), anchor: undefined } as const
    const whole = {
      ...core,
      from: asProcessId(core.from),
      to: asProcessId(core.to),
      depth: 1,
      fuel: 5n,
      origin: asMessageId(core.from),
    }
    const outbox = [makePush(whole, body), makePush({ ...whole, index: 1, seq: 1 }, body)]
    const assigns = [{ message: 'm', process: 'p', exclude: ['Data'] }]
    for (const parts of [
      {},
      { outbox },
      { outbox, assigns },
      { outbox, message: undefined, output: new Uint8Array(9_000) },
    ]) {
      const { bytes } = encodeResult(resultOf(parts))
      const { slot, outbox, assigns } = decodeResult(bytes)
      expect(decodeSending(bytes)).toMatchObject({ slot, outbox, assigns })
      expect(() => decodeSending(bytes.subarray(0, -1))).toThrow(MalformedBytes)
    }
  })

  it('says everything again', () => {
    const results = [
      ...RESULT_STATUSES.map(status => resultOf({ status })),
      withOutput(0),
      withOutput(100_000),
      resultOf({ gas: 2n ** 60n, log: 'a line\n', dropped: ['dropped a message'] }),
      resultOf({ error: { code: 'abort', message: 'ü'.repeat(300) } }),
      resultOf({ assigns: [{ message: 'm', process: 'p', exclude: ['data'] }] }),
    ]
    for (const result of results) {
      const { head, bytes } = encodeResult(result)
      expect(decodeResult(bytes)).toEqual(result)
      expect(resultHeadOf(bytes)).toEqual(head)
      expect(encodeResult(decodeResult(bytes)).bytes).toEqual(bytes)
    }
  })

  it('has a detail in its head up to a bound, and its hash above', () => {
    const fits = encodeResult(withOutput(DETAIL_INLINE_MAX_BYTES - BESIDES))
    const long = encodeResult(withOutput(DETAIL_INLINE_MAX_BYTES - BESIDES + 1))
    expect(decodeResultHead(fits.head).detail).toHaveProperty('output')
    expect(decodeResultHead(long.head).detail).toHaveProperty('hash')
    expect(encodeResult(withOutput(100_000)).head).toHaveLength(long.head.length)
  })

  it('is refused if the detail stands at both places, or at none', () => {
    const partsOf = (result: Result): { head: Uint8Array; detail: Uint8Array } => {
      const reader = new CborReader(encodeResult(result).bytes)
      reader.array()
      return { head: reader.bytes(), detail: reader.skip() }
    }
    const [short, long] = [partsOf(withOutput(3)), partsOf(withOutput(500))]
    const built = (head: Uint8Array, detail: Uint8Array): Uint8Array => {
      const writer = new CborWriter()
      writer.array(3)
      writer.bytes(head)
      return concatBytes(writer.finish(), detail, Uint8Array.of(0x80))
    }
    expect(decodeResult(built(long.head, long.detail)).output).toHaveLength(500)
    expect(() => decodeResult(built(short.head, long.detail))).toThrow(MalformedBytes)
    expect(() => decodeResult(built(long.head, short.detail))).toThrow(MalformedBytes)
  })
})
