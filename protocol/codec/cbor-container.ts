/** A container that is being read, kept only from the outermost map inwards: to check key order. */
export interface OpenContainer {
  readonly outer: OpenContainer | undefined
  readonly isMap: boolean
  /** Keys and values (of a map) or elements (of an array) that are still to come. */
  left: number
  /** Where its last key lies. */
  keyStart: number
  keyEnd: number
}

export function isKeyNext(open: OpenContainer): boolean {
  return open.isMap && (open.left & 1) === 0
}

/** Whether the key at [start, end) may follow the last one. */
export function isOrdered(bytes: Uint8Array, { keyStart, keyEnd }: OpenContainer, start: number, end: number): boolean {
  const length = Math.min(keyEnd - keyStart, end - start)
  for (let index = 0; index < length; index++) {
    const difference = (bytes[keyStart + index] ?? 0) - (bytes[start + index] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}
