/** Numbers from 0 up to but not including `below`, the same for the same seed. */
export function seededNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1
  return below => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state % below
  }
}

/** Other bytes, made from these as an attacker without keys would: bits, bytes, pieces moved, cut, doubled, or of another. */
export function mutated(bytes: Uint8Array, other: Uint8Array, below: (limit: number) => number): Uint8Array {
  const made = mutatedOnce(bytes, other, below)
  const isSame = made.length === bytes.length && made.every((byte, at) => byte === bytes[at])
  return isSame ? mutated(bytes, other, below) : made
}

function mutatedOnce(bytes: Uint8Array, other: Uint8Array, below: (limit: number) => number): Uint8Array {
  const made = bytes.slice()
  const at = below(bytes.length)
  const size = 1 + below(64)
  switch (below(8)) {
    case 0:
      for (let n = 1 + below(4); n > 0; n--) made[below(made.length)] = below(256)
      return made
    case 1:
      return bytes.slice(0, at)
    case 2:
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + size)])
    case 3:
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at, at + size), ...bytes.subarray(at)])
    case 4:
      made.copyWithin(at, below(bytes.length), below(bytes.length))
      return made
    case 5:
      made.set(other.subarray(at, at + size), at > made.length - size ? 0 : at)
      return made
    default:
      made[at] = (made[at] ?? 0) ^ (1 << below(8))
      return made
  }
}
