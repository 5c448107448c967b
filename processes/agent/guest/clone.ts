/** structuredClone for what programs keep: plain data, dates, maps, sets, bytes and errors, circles too. */
export function clone(value: unknown, seen: Map<object, object> = new Map()): unknown {
  if (typeof value === 'function' || typeof value === 'symbol')
    throw new DOMException(`${String(value)} could not be cloned`, 'DataCloneError')
  if (typeof value !== 'object' || value === null) return value
  const known = seen.get(value)
  if (known !== undefined) return known
  const made = emptyLike(value)
  seen.set(value, made)
  if (value instanceof Map && made instanceof Map) {
    for (const [key, entry] of value) made.set(clone(key, seen), clone(entry, seen))
  } else if (value instanceof Set && made instanceof Set) {
    for (const entry of value) made.add(clone(entry, seen))
  } else if (Array.isArray(value) || !isLeaf(made)) {
    const target = made as Record<string, unknown>
    for (const [key, entry] of Object.entries(value)) target[key] = clone(entry, seen)
  }
  return made
}

function emptyLike(value: object): object {
  if (Array.isArray(value)) return new Array(value.length)
  if (value instanceof Date) return new Date(value.getTime())
  if (value instanceof Map) return new Map()
  if (value instanceof Set) return new Set()
  if (value instanceof ArrayBuffer) return value.slice(0)
  if (ArrayBuffer.isView(value)) return (value as Uint8Array).slice()
  if (value instanceof Error) return Object.assign(new Error(value.message), { name: value.name })
  if (value instanceof RegExp) return new RegExp(value)
  return {}
}

const isLeaf = (value: object): boolean =>
  value instanceof Date || value instanceof RegExp || value instanceof ArrayBuffer || ArrayBuffer.isView(value)
