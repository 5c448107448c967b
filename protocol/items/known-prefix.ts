/** Prefixes that are remembered; a power of two. */
const REMEMBERED = 4096

interface Known {
  readonly signatureType: number
  readonly fields: Uint8Array
  readonly hash: Uint8Array
}

/** The last ones, by some of their bytes. */
const known: (Known | undefined)[] = []

/**
 * The hash over fields at [from, to) of `bytes`, as `make` makes it: one sender writes to one target again and again, and half of
 * the hashing of an item need not be repeated. What it hashes must follow from the type of signature and those bytes.
 */
export function knownPrefix(
  signatureType: number,
  bytes: Uint8Array,
  from: number,
  to: number,
  make: () => Uint8Array,
): Uint8Array {
  // The first bytes are of the sender's key, the last ones but the flag of the target, if there is one.
  const mixed =
    ((bytes[from + 3] ?? 0) | ((bytes[from + 4] ?? 0) << 8)) ^ ((bytes[to - 4] ?? 0) | ((bytes[to - 3] ?? 0) << 8))
  const place = mixed & (REMEMBERED - 1)
  const last = known[place]
  if (last?.signatureType === signatureType && stands(last.fields, bytes, from, to)) return last.hash
  const hash = make()
  known[place] = { signatureType, fields: bytes.slice(from, to), hash }
  return hash
}

function stands(fields: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (fields.length !== to - from) return false
  for (let at = 0; at < fields.length; at++) if (fields[at] !== bytes[from + at]) return false
  return true
}
