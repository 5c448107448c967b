/** The q-quantile (0…1) of a non-empty list by nearest rank. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]
  if (value === undefined) throw new Error('a quantile needs at least one value')
  return value
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}
