/** Where two JSON values differ; what is absent on one side is left out. */
export interface JsonDifference {
  /** Names and positions from the root, such as `["balances", "alice"]`. */
  readonly path: readonly (string | number)[]
  readonly before?: unknown
  readonly after?: unknown
}

/** Where two JSON values differ, in the order of the first, at most `max` places. */
export function jsonDifferences(before: unknown, after: unknown, max = 1000): JsonDifference[] {
  const found: JsonDifference[] = []
  compare(before, after, [], found, max)
  return found
}

type Path = readonly (string | number)[]

function compare(before: unknown, after: unknown, path: Path, found: JsonDifference[], max: number): void {
  if (found.length >= max) return
  if (Array.isArray(before) && Array.isArray(after)) {
    for (let at = 0; at < Math.max(before.length, after.length); at++) {
      if (at >= after.length) add(found, max, { path: [...path, at], before: before[at] })
      else if (at >= before.length) add(found, max, { path: [...path, at], after: after[at] })
      else compare(before[at], after[at], [...path, at], found, max)
    }
    return
  }
  if (isRecord(before) && isRecord(after)) {
    for (const name of Object.keys(before)) {
      if (Object.hasOwn(after, name)) compare(before[name], after[name], [...path, name], found, max)
      else add(found, max, { path: [...path, name], before: before[name] })
    }
    for (const name of Object.keys(after)) {
      if (!Object.hasOwn(before, name)) add(found, max, { path: [...path, name], after: after[name] })
    }
    return
  }
  if (!Object.is(before, after)) add(found, max, { path, before, after })
}

function add(found: JsonDifference[], max: number, difference: JsonDifference): void {
  if (found.length < max) found.push(difference)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
