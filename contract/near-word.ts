/** Changes between a word and what was meant by it, at most. */
const DISTANCE_MAX = 2

/** The word of `known` that `given` is most likely a slip of, if one is near enough. */
export function nearWord(given: string, known: Iterable<string>): string | undefined {
  let best: { word: string; distance: number } | undefined
  for (const word of known) {
    const distance = editDistance(given.toLowerCase(), word.toLowerCase())
    // Of a word of two letters, another one of two is no slip.
    if (distance <= DISTANCE_MAX && distance < word.length && (best === undefined || distance < best.distance))
      best = { word, distance }
  }
  return best?.word
}

/** A question that goes behind a failure's note, or nothing. */
export function didYouMean(given: string, known: Iterable<string>): string {
  const word = nearWord(given, known)
  return word === undefined ? '' : `; did you mean "${word}"?`
}

/** Levenshtein's distance. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
