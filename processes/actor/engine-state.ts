/** Types of globals as one byte each: what the list in a prepared module is made of. */
export const GLOBAL_TYPES = ['i32', 'i64', 'f32', 'f64'] as const
export type GlobalType = (typeof GLOBAL_TYPES)[number]

/** Values of a module's mutable globals, in order of their index: i64 as bigint. */
export type GlobalValues = readonly (number | bigint)[]

const WIDTHS: Readonly<Record<GlobalType, number>> = { i32: 4, i64: 8, f32: 4, f64: 8 }
/** The one NaN of WebAssembly's deterministic profile. */
const CANONICAL_NAN_32 = 0x7fc0_0000
const CANONICAL_NAN_64 = 0x7ff8_0000_0000_0000n

/** Little-endian values, one behind the other: equal states give equal bytes. */
export function encodeGlobals(types: readonly GlobalType[], values: GlobalValues): Uint8Array {
  let length = 0
  for (const type of types) length += WIDTHS[type]
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const [index, type] of types.entries()) {
    writeGlobal(view, at, type, values[index] ?? 0)
    at += WIDTHS[type]
  }
  return bytes
}

/** @throws RangeError if the bytes are not those of globals with these types. */
export function decodeGlobals(types: readonly GlobalType[], bytes: Uint8Array): GlobalValues {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const values = types.map(type => {
    const value = readGlobal(view, at, type)
    at += WIDTHS[type]
    return value
  })
  if (at !== bytes.length) throw new RangeError(`expected ${at} bytes of globals, got ${bytes.length}`)
  return values
}

function writeGlobal(view: DataView, at: number, type: GlobalType, value: number | bigint): void {
  if (typeof value === 'bigint') view.setBigInt64(at, value, true)
  else if (type === 'i32') view.setInt32(at, value, true)
  else if (type === 'f32') {
    if (Number.isNaN(value)) view.setUint32(at, CANONICAL_NAN_32, true)
    else view.setFloat32(at, value, true)
  } else if (Number.isNaN(value)) view.setBigUint64(at, CANONICAL_NAN_64, true)
  else view.setFloat64(at, value, true)
}

function readGlobal(view: DataView, at: number, type: GlobalType): number | bigint {
  switch (type) {
    case 'i32':
      return view.getInt32(at, true)
    case 'i64':
      return view.getBigInt64(at, true)
    case 'f32':
      return view.getFloat32(at, true)
    case 'f64':
      return view.getFloat64(at, true)
  }
}
