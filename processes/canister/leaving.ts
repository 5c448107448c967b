import { CborReader, CborWriter, decodeCanisterOutput, encodeCanisterOutput, type Tag } from '../../protocol/index.ts'
import { Backlog, type Form } from './backlog.ts'
import { LETTERS_PER_SLOT_MAX, LETTERS_PER_SLOT_MAX_BYTES, OUTPUT_MAX_BYTES } from './bounds.ts'
import type { Letter, UserAnswer } from './slot.ts'

/** What an answer takes in an output besides its words. */
const ANSWER_OVERHEAD_BYTES = 64
/** What an output holds besides answers. */
const OUTPUT_OVERHEAD_BYTES = 256

const LETTER: Form<Letter> = {
  sizeOf: ({ tags, data }) =>
    data.length + tags.reduce((sum, { name, value }) => sum + 3 * (name.length + value.length), 0),
  encode: ({ to, tags, data, depth, callback }) => {
    const writer = new CborWriter()
    writer.array(5)
    writer.text(to)
    writer.array(2 * tags.length)
    for (const { name, value } of tags) {
      writer.text(name)
      writer.text(value)
    }
    writer.bytes(data)
    writer.uint(depth)
    if (callback === undefined) writer.null()
    else writer.uint(callback)
    return writer.finish()
  },
  decode: bytes => {
    const reader = new CborReader(bytes)
    reader.array()
    const to = reader.text()
    const tags: Tag[] = Array.from({ length: reader.array() / 2 }, () => ({
      name: reader.text(),
      value: reader.text(),
    }))
    const [data, depth] = [reader.bytes(), Number(reader.uint())]
    return { to, tags, data, depth, callback: reader.isNull() ? undefined : Number(reader.uint()) }
  },
}

const ANSWER: Form<UserAnswer> = {
  sizeOf: ([call, { reply, reject }]) =>
    ANSWER_OVERHEAD_BYTES +
    call.length +
    (reject === undefined ? reply.length : 3 * (reject.message.length + reject.error.length)),
  encode: answer => encodeCanisterOutput({ answers: [answer], changed: false }),
  decode: bytes => {
    const output = decodeCanisterOutput(bytes)
    const [first] = 'answers' in output ? output.answers : []
    if (first === undefined) throw new Error('expected an answer')
    return first
  },
}

/** Messages to other processes. */
export const LETTERS = new Backlog('o', { count: LETTERS_PER_SLOT_MAX, bytes: LETTERS_PER_SLOT_MAX_BYTES }, LETTER)
/** Answers to users. */
export const ANSWERS = new Backlog(
  'O',
  { count: Number.MAX_SAFE_INTEGER, bytes: OUTPUT_MAX_BYTES - OUTPUT_OVERHEAD_BYTES },
  ANSWER,
)
