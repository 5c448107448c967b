/** How many mutations a test tries that tries `count` of them in a short run: `ATOLL_TEST_MUTATIONS=1000000` has each try a million. */
export const mutationsOr = (count: number): number => Number(process.env['ATOLL_TEST_MUTATIONS'] ?? count)
/** Which: `ATOLL_SEED` gives others. */
export const MUTATIONS_SEED = 1_000 * Number(process.env['ATOLL_SEED'] ?? 0)

/** Bytes that are nearly those of one of the originals: bits turned, bytes left out, put in or copied, ends cut, two spliced. */
export function mutated(originals: readonly Uint8Array[], random: () => number): Uint8Array {
  const below = (max: number): number => Math.floor(random() * max)
  const pick = (): Uint8Array => originals[below(originals.length)] ?? new Uint8Array(0)
  let bytes = pick().slice()
  for (let steps = 1 + below(3); steps > 0; steps--) {
    const at = below(bytes.length + 1)
    const length = 1 + below(random() < 0.7 ? 4 : 64)
    switch (below(7)) {
      case 0:
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8))
        break
      case 1:
        if (at < bytes.length) bytes[at] = below(256)
        break
      case 2:
        bytes = Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + length))
        break
      case 3:
        bytes = Uint8Array.of(
          ...bytes.subarray(0, at),
          ...Array.from({ length }, () => below(256)),
          ...bytes.subarray(at),
        )
        break
      case 4: {
        const from = below(bytes.length)
        bytes = Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(from, from + length), ...bytes.subarray(at))
        break
      }
      case 5:
        bytes = bytes.slice(0, at)
        break
      default: {
        const other = pick()
        const from = below(other.length)
        bytes = Uint8Array.of(...bytes.subarray(0, at), ...other.subarray(from))
      }
    }
  }
  return bytes
}

/** The same, other than each of the originals: what an attacker without keys can make of them. */
export function changed(originals: readonly Uint8Array[], random: () => number): Uint8Array {
  for (;;) {
    const bytes = mutated(originals, random)
    if (originals.every(original => Buffer.compare(original, bytes) !== 0)) return bytes
  }
}
