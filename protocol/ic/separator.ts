import { concatBytes, toUtf8 } from '../codec/bytes.ts'

/** A domain of the IC: its name behind the length of the name. */
export function separator(name: string): Uint8Array {
  return concatBytes(Uint8Array.of(name.length), toUtf8(name))
}
