import { concatBytes, fromBase64Url, type ProcessId, toUtf8 } from '../../protocol/index.ts'

/** Keys of this room in the store: a name, the process, and numbers in big-endian so that they sort. */
export function storeKey(name: string, process: ProcessId, ...rest: readonly Uint8Array[]): Uint8Array {
  return concatBytes(prefixOf(name), fromBase64Url(process), ...rest)
}

/** The names of this room: a dozen. */
const prefixes = new Map<string, Uint8Array>()

function prefixOf(name: string): Uint8Array {
  const known = prefixes.get(name) ?? toUtf8(`compute/${name}/`)
  prefixes.set(name, known)
  return known
}

/** The range of all keys that begin with `prefix`. */
export function rangeOf(prefix: Uint8Array): { gte: Uint8Array; lt: Uint8Array } {
  const lt = prefix.slice()
  for (let i = lt.length - 1; i >= 0; i--) {
    const byte = lt[i] ?? 0
    if (byte < 255) {
      lt[i] = byte + 1
      return { gte: prefix, lt: lt.subarray(0, i + 1) }
    }
  }
  return { gte: prefix, lt: new Uint8Array(prefix.length + 1).fill(255) }
}

/** Eight bytes, big-endian. */
export function bigEndian64(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  for (let at = 7, rest = value; rest > 0; at--, rest = Math.floor(rest / 256)) bytes[at] = rest % 256
  return bytes
}

/** Four bytes, big-endian. */
export function bigEndian32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

/** The number that `bigEndian64` wrote at the end of a key. */
export function lastNumber(key: Uint8Array): number {
  return Number(new DataView(key.buffer, key.byteOffset + key.length - 8, 8).getBigUint64(0))
}
