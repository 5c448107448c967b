import { EngineThrew, type EngineCalls } from '../engine-calls.ts'
import type { Sample } from './forms.ts'
import {
  CHARACTERS,
  CLASS,
  COUNT_BEFORE,
  EXTENSIBLE,
  INTEGER,
  ITEM_COUNT,
  ITEM_ROOM,
  ITEMS,
  KEPT_COUNT_MIN,
  KIND_BEFORE,
  NUMBER_ADDEND,
  OBJECT,
  OBJECT_BYTES,
  OBJECT_LINK,
  OBJECTS_AT,
  PLAIN_LIST,
  PLAIN_OBJECT,
  SHAPE,
  TEXT,
  TEXT_LINK,
  TEXTS_AT,
  VALUE_BYTES,
  VALUES,
  WEAK,
} from './layout.ts'

const halves = new Int32Array(2)
const number = new Float64Array(halves.buffer)

/**
 * Makes values where the engine keeps them, as its own functions would leave them, and writes them where it is told to: to whom a place belongs, its value does.
 * Room is the engine's own to give, so its gas counts. What is made here never sets off a collection: the next object that the engine makes does.
 */
export class ValueMaker {
  readonly #calls: EngineCalls
  #runtime = 0
  #listShape = 0

  constructor(calls: EngineCalls) {
    this.#calls = calls
  }

  /** Says where the runtime of the engine is, and how it lays out lists. */
  begin(runtime: number, listShape: number): void {
    this.#runtime = runtime
    this.#listShape = listShape
  }

  putWords(at: number, low: number, high: number): void {
    const { memory } = this.#calls
    memory.store(at, low)
    memory.store(at + 4, high)
  }

  putNumber(at: number, value: number): void {
    if ((value | 0) === value && !Object.is(value, -0)) return this.putWords(at, value, INTEGER)
    number[0] = value
    this.putWords(at, halves[0] ?? 0, (halves[1] ?? 0) + NUMBER_ADDEND)
  }

  /** A text that is in memory already, and stays. */
  putKnownText(at: number, address: number): void {
    this.putWords(at, address, TEXT)
  }

  /** One byte for each character, of which none is above 0x7f. @throws {EngineThrew} if there is no room */
  putText(at: number, characters: Uint8Array | string, from = 0, to = characters.length): void {
    const length = to - from
    const text = this.#thing(CHARACTERS + length + 1)
    const { memory } = this.#calls
    memory.store(text, length)
    for (let word = 4; word < TEXT_LINK; word += 4) memory.store(text + word, 0)
    this.#link(text + TEXT_LINK, TEXTS_AT)
    const start = text + CHARACTERS
    if (typeof characters === 'string') memory.writeLatin1(start, characters, 'text')
    else memory.writePart(start, characters, from, to, 'text')
    memory.storeByte(start + length, 0)
    this.putWords(at, text, TEXT)
  }

  /** An object laid out by a shape; gives where its fields are, which are still to be put. @throws {EngineThrew} if there is no room */
  putObject(at: number, shape: number, fieldRoom: number): number {
    const object = this.#object(PLAIN_OBJECT | EXTENSIBLE, shape)
    const fields = this.#room(VALUE_BYTES * fieldRoom)
    this.#calls.memory.store(object + VALUES, fields)
    this.putWords(at, object, OBJECT)
    return fields
  }

  /** An object like a sample, with the same in its fields, which stays; gives where they are. @throws {EngineThrew} if there is no room */
  putLike(at: number, { shape, room, words }: Sample): number {
    const fields = this.putObject(at, shape, room)
    for (let index = 0; index < words.length; index++) this.#calls.memory.store(fields + 4 * index, words[index] ?? 0)
    return fields
  }

  /** A list of so many items; gives where they are, which are still to be put. @throws {EngineThrew} if there is no room */
  putList(at: number, count: number): number {
    const { memory } = this.#calls
    const list = this.#object(PLAIN_LIST | EXTENSIBLE, this.#listShape)
    const length = this.#room(VALUE_BYTES)
    memory.store(list + VALUES, length)
    this.putWords(length, count, INTEGER)
    const items = count === 0 ? 0 : this.#room(VALUE_BYTES * count)
    memory.store(list + ITEM_ROOM, count)
    memory.store(list + ITEMS, items)
    memory.store(list + ITEM_COUNT, count)
    this.putWords(at, list, OBJECT)
    return items
  }

  #object(kind: number, shape: number): number {
    const { memory } = this.#calls
    const object = this.#thing(OBJECT_BYTES)
    this.#link(object + OBJECT_LINK, OBJECTS_AT)
    memory.store(object + CLASS, kind)
    memory.store(object + SHAPE, shape)
    memory.store(object + WEAK, 0)
    const users = memory.words[(shape - COUNT_BEFORE) >>> 2] ?? 0
    if (users < KEPT_COUNT_MIN) memory.store(shape - COUNT_BEFORE, users + 1)
    return object
  }

  /** Room for something that one has. */
  #thing(bytes: number): number {
    const at = this.#room(bytes)
    const { memory } = this.#calls
    memory.store(at - COUNT_BEFORE, 1)
    memory.storeByte(at - KIND_BEFORE, 0)
    return at
  }

  #room(bytes: number): number {
    const at = this.#calls.exports.js_malloc_rt(this.#runtime, bytes) >>> 0
    if (at === 0) throw new EngineThrew(0)
    return at
  }

  /** Puts a link at the end of a list of the runtime. */
  #link(link: number, list: number): void {
    const { memory } = this.#calls
    const head = this.#runtime + list
    const last = memory.words[head >>> 2] ?? 0
    memory.store(link, last)
    memory.store(link + 4, head)
    memory.store(last + 4, link)
    memory.store(head, link)
  }
}
