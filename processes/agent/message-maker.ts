import { Buffer, isAscii } from 'node:buffer'
import { type Delivery, IS_MESSAGE, IS_READ, IS_REPLY } from './delivery.ts'
import type { EngineCalls } from './engine-calls.ts'
import type { HostInputs, MessagePart } from './engine-imports.ts'
import type { Entry } from './entry.ts'
import type { Routes, TaskLayout } from './routes.ts'
import { jsonReader } from './values/json-reader.ts'
import { COUNT_BEFORE, OBJECT, UNDEFINED, VALUE_BYTES, VALUES } from './values/layout.ts'
import { ValueMaker } from './values/value-maker.ts'

/** In the part of the stack that no frame reaches. Arguments are addresses of values, which stand behind them. */
export const ARGUMENTS_AT = 64 * 1024
const KIND_AT = ARGUMENTS_AT + 64
const TIME_AT = KIND_AT + VALUE_BYTES
const TASK_AT = TIME_AT + VALUE_BYTES
const ARGUMENTS = [KIND_AT, TIME_AT, TASK_AT]
/** Where texts are handed over that the engine has to look at. */
export const TEXT_AT = ARGUMENTS_AT + 128
const TEXT_MAX_BYTES = 512 * 1024

const NO_TEXT = new Uint8Array(0)

const value = new BigInt64Array(1)
const halves = new Int32Array(value.buffer)

interface Running {
  readonly delivery: Delivery
  readonly runtime: number
  readonly places: TaskLayout['places']
}

/** Hands messages over: the host makes what the program inside has of them (`guest/task.ts`). There a step for each of its parts would be a tenth of a message's work. */
export class MessageMaker {
  readonly #calls: EngineCalls
  readonly #values: ValueMaker
  readonly #inputs: HostInputs
  #running: Running | undefined

  constructor(calls: EngineCalls, inputs: HostInputs) {
    this.#calls = calls
    this.#inputs = inputs
    this.#values = new ValueMaker(calls)
  }

  /** Calls `deliver` of the prelude with a message; gives the box of what it returns. @throws {EngineThrew} if there is no room */
  deliver(delivery: Delivery, entry: Entry, routes: Routes): number {
    this.#running = { delivery, runtime: entry.runtime, places: routes.task.places }
    this.#values.begin(entry.runtime, routes.listShape)
    this.#values.putNumber(KIND_AT, delivery.kind)
    this.#values.putNumber(TIME_AT, delivery.timestampMs)
    this.#putTask(delivery, routes)
    const { memory, exports } = this.#calls
    for (let index = 0; index < ARGUMENTS.length; index++) memory.store(ARGUMENTS_AT + 4 * index, ARGUMENTS[index] ?? 0)
    return exports.qjs_call(entry.deliver, entry.nothing, ARGUMENTS.length, ARGUMENTS_AT)
  }

  #putTask({ flags, slot, action, from, data, named }: Delivery, { byName, task: { sample, places } }: Routes): void {
    const values = this.#values
    const fields = values.putLike(TASK_AT, sample)
    const route = byName.get(action)
    if (route === undefined) this.#putText(fields + places.action, action)
    else {
      values.putKnownText(fields + places.action, route.nameAt)
      values.putNumber(fields + places.route, route.number)
    }
    this.#putText(fields + places.from, from)
    values.putNumber(fields + places.flags, flags)
    values.putNumber(fields + places.slot, slot)
    if (named !== '') this.#putText(fields + places.named, named)
    if ((flags & IS_READ) !== 0) jsonReader.make(values, fields + places.input)
    else this.#putBytes(fields + places.dataOrNothing, data)
  }

  /** A part that was not handed over, in a box. */
  part(name: MessagePart): number {
    return this.#boxOf(this.#part(name))
  }

  #part(name: MessagePart): Uint8Array {
    if (this.#running === undefined) return NO_TEXT
    const { delivery } = this.#running
    if (name === 'data') return delivery.data
    const rest = Buffer.from(delivery.rest())
    this.#inputs.slot.handed(rest.length)
    return rest
  }

  /** Lets go of the message. Who still has it will ask for the rest when it is another's turn, so that is put into it now. */
  finish(): void {
    if (this.#running === undefined) return
    const { delivery, places, runtime } = this.#running
    const { memory, exports } = this.#calls
    const word = (at: number): number => memory.words[at >>> 2] ?? 0
    const task = word(TASK_AT)
    // Besides us the slot has a request.
    const isRequest = delivery.kind === IS_MESSAGE && (delivery.flags & IS_REPLY) === 0
    if (word(task - COUNT_BEFORE) > (isRequest ? 2 : 1)) {
      const fields = word(task + VALUES)
      for (const [place, name] of [
        [places.dataOrNothing, 'data'],
        [places.restOrNothing, 'rest'],
      ] as const)
        if (word(fields + place + 4) === UNDEFINED) this.#putBytes(fields + place, this.#part(name))
    }
    this.#running = undefined
    halves[0] = task
    halves[1] = OBJECT
    exports.JS_FreeValueRT(runtime, value[0] ?? 0n)
  }

  #putText(at: number, text: string): void {
    if (Buffer.byteLength(text) === text.length) this.#values.putText(at, text)
    else this.#putDecoded(at, Buffer.from(text))
  }

  /** The same of UTF-8. */
  #putBytes(at: number, text: Uint8Array): void {
    if (isAscii(text)) this.#values.putText(at, text)
    else this.#putDecoded(at, text)
  }

  #putDecoded(at: number, text: Uint8Array): void {
    const { memory, exports } = this.#calls
    const box = this.#boxOf(text)
    this.#values.putWords(at, memory.words[box >>> 2] ?? 0, memory.words[(box + 4) >>> 2] ?? 0)
    exports.wasm_free(box)
  }

  #boxOf(text: Uint8Array): number {
    const { exports, memory } = this.#calls
    const isShort = text.length <= TEXT_MAX_BYTES
    const pointer = isShort ? TEXT_AT : this.#calls.allocate(text.length)
    memory.write(pointer, text, 'text')
    const box = this.#calls.checked(exports.qjs_new_string(pointer, text.length))
    if (!isShort) exports.wasm_free(pointer)
    return box
  }
}
