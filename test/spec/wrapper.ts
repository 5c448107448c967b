/**
 * JavaScript can neither pass a vector nor keep the bits of a NaN. So a call with floats or vectors
 * goes through a small module: it holds the arguments as constants, calls the function that it
 * imports, and stores the results in its memory.
 */
import type { Value } from './script.ts'

const TYPE_CODES: Readonly<Record<string, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  funcref: 0x70,
  externref: 0x6f,
}
const STORES: Readonly<Record<string, readonly number[]>> = {
  i32: [0x36, 2, 0],
  i64: [0x37, 3, 0],
  f32: [0x38, 2, 0],
  f64: [0x39, 3, 0],
  v128: [0xfd, 11, 4, 0],
}
const LANE_BYTES: Readonly<Record<string, number>> = {
  i8: 1,
  i16: 2,
  i32: 4,
  i64: 8,
  f32: 4,
  f64: 8,
}
const RESULT_BYTES = 16

const unsigned = (value: number): number[] =>
  value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]

function signed(value: bigint): number[] {
  const low = Number(value & 0x7fn)
  const rest = value >> 7n
  if ((rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40)) return [low]
  return [low | 0x80, ...signed(rest)]
}

const vector = (items: readonly (readonly number[])[]): number[] => [...unsigned(items.length), ...items.flat()]
const section = (id: number, content: readonly number[]): number[] => [id, ...unsigned(content.length), ...content]
const littleEndian = (value: bigint, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn))

/** The bits of a value as bytes; NaN patterns count as the canonical NaN. */
export function bytesOf(value: Value): number[] {
  const { type, lane_type: laneType = type, value: content = '0' } = value
  const lanes = typeof content === 'string' ? [content] : content
  const width = LANE_BYTES[laneType] ?? 4
  return lanes.flatMap(lane => littleEndian(BigInt(lane), width))
}

function constant(value: Value): number[] {
  const bytes = bytesOf(value)
  switch (value.type) {
    case 'i32':
      return [0x41, ...signed(BigInt.asIntN(32, BigInt(String(value.value))))]
    case 'i64':
      return [0x42, ...signed(BigInt.asIntN(64, BigInt(String(value.value))))]
    case 'f32':
      return [0x43, ...bytes]
    case 'f64':
      return [0x44, ...bytes]
    case 'v128':
      return [0xfd, 12, ...bytes]
    default:
      throw new Error(`expected a number, got ${value.type}`)
  }
}

const typeCode = ({ type }: Value): number => {
  const code = TYPE_CODES[type]
  if (code === undefined) throw new Error(`expected a value type, got ${type}`)
  return code
}

function wrapperModule(args: readonly Value[], results: readonly Value[]): Uint8Array<ArrayBuffer> {
  const name = [1, 0x66]
  const stores = results.map((result, index) => [
    0x41,
    ...signed(BigInt(index * RESULT_BYTES)),
    0x20,
    ...unsigned(index),
    ...(STORES[result.type] ?? []),
  ])
  const body = [
    ...vector(results.map(result => [1, typeCode(result)])),
    ...args.flatMap(constant),
    0x10,
    0,
    ...results.flatMap((_, index) => [0x21, ...unsigned(results.length - 1 - index)]),
    ...stores.flat(),
    0x0b,
  ]
  const callee = [
    0x60,
    ...vector(args.map(argument => [typeCode(argument)])),
    ...vector(results.map(result => [typeCode(result)])),
  ]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector([callee, [0x60, 0, 0]])),
    ...section(2, vector([[...name, ...name, 0, 0]])),
    ...section(3, vector([[1]])),
    ...section(5, vector([[0, 1]])),
    ...section(
      7,
      vector([
        [...name, 0, 1],
        [1, 0x6d, 2, 0],
      ]),
    ),
    ...section(10, vector([[...unsigned(body.length), ...body]])),
  ])
}

/** Calls with exact bits, and gives the bytes of each result. */
export function callExactly(callee: CallableFunction, args: readonly Value[], results: readonly Value[]): Uint8Array[] {
  const module = new WebAssembly.Module(wrapperModule(args, results))
  const { exports } = new WebAssembly.Instance(module, { f: { f: callee as () => void } })
  const { f, m } = exports
  if (typeof f !== 'function' || !(m instanceof WebAssembly.Memory)) throw new Error('wrapper')
  f()
  return results.map((_, index) => new Uint8Array(m.buffer, index * RESULT_BYTES, RESULT_BYTES).slice())
}
