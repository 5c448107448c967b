/**
 * What a hostile guest gives a host call: for each parameter the values at which arithmetic, ranges and conversions change. Letters as in
 * the tables of the runtimes: `i` and `p` are i32 (`p` is i64 in 64-bit modules), `I` is i64.
 */
const WORDS = [0n, 1n, 7n, 64n, 4096n, 65_535n, 65_536n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_fff0n, 0xffff_ffffn]
const LONG_WORDS = [
  ...WORDS,
  0x1_0000_0000n,
  (1n << 53n) - 1n,
  1n << 53n,
  (1n << 53n) + 1n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 2n,
  (1n << 64n) - 1n,
]

/** Draws in [0, 1), the same for the same seed. */
export function drawing(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** `count` arguments for each parameter: every value once at every place, as far as they go, then any. */
export function hostileArguments(letters: string, is64: boolean, count: number, draw: () => number): bigint[][] {
  const valuesOf = (letter: string): readonly bigint[] =>
    letter === 'I' || ((letter === 'p' || letter === 'e') && is64) ? LONG_WORDS : WORDS
  const any = (letter: string): bigint => {
    const values = valuesOf(letter)
    // Small ones more often: a call with one value that makes no sense is refused before the next is looked at.
    return values[Math.floor(draw() ** 2 * values.length)] ?? 0n
  }
  const rows: bigint[][] = [[...letters].map(() => 0n)]
  for (const [at, letter] of [...letters].entries()) {
    for (const value of valuesOf(letter))
      rows.push([...letters].map((other, place) => (place === at ? value : any(other))))
  }
  while (rows.length < count && letters.length > 0) rows.push([...letters].map(any))
  return shuffled(rows, draw).slice(0, count)
}

function shuffled<T>(list: readonly T[], draw: () => number): T[] {
  return list
    .map(one => ({ one, at: draw() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one)
}
