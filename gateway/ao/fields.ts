/** A map of JSON, as HyperBEAM's messages are. */
export type Fields = Record<string, unknown>

/** An empty map in which every name is a name, `__proto__` too. */
export function noFields(): Fields {
  return Object.create(null) as Fields
}

export function isMap(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * What stands at `keys`, as HyperBEAM finds it: names in any case, elements of a list from 1 on, and `body` of what is no
 * map is that itself.
 */
export function fieldAt(value: unknown, keys: readonly string[]): unknown {
  let found = value
  for (const key of keys) found = stepInto(found, key)
  return found
}

function stepInto(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return /^\d{1,9}$/.test(key) ? value[Number(key) - 1] : undefined
  if (!isMap(value)) return key === 'body' ? value : undefined
  if (Object.hasOwn(value, key)) return value[key]
  const lower = key.toLowerCase()
  const name = Object.keys(value).find(other => other.toLowerCase() === lower)
  return name === undefined ? undefined : value[name]
}
