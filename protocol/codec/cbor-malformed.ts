import { fromUtf8, MalformedBytes } from './bytes.ts'
import { CBOR_DEPTH_MAX } from './cbor-shape.ts'

/** What is wrong with bytes that are no canonical CBOR, each with the place where. */
export function cutShort(at: number): MalformedBytes {
  return new MalformedBytes('cbor: cut short', at)
}

export function notShortest(at: number): MalformedBytes {
  return new MalformedBytes('cbor: not the shortest form', at)
}

export function tooDeep(at: number): MalformedBytes {
  return new MalformedBytes(`cbor: nested deeper than ${CBOR_DEPTH_MAX}`, at)
}

/** Text of UTF-8 that began at `start`. @throws MalformedBytes */
export function readText(bytes: Uint8Array, start: number): string {
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw new MalformedBytes('cbor: text is not well-formed UTF-8', start, { cause })
  }
}
