import { AO_NAMES_ANY_CASE_MAX } from '../../../protocol/index.ts'

/** A map of JSON, as HyperBEAM's messages are, in which every name is a name, `__proto__` too. */
export class Fields extends Map<string, unknown> {
  toJSON(): unknown {
    return Object.fromEntries(this)
  }
}

/** Whether it is a map of JSON as it was parsed. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Fields)
}

/**
 * What stands at `keys`, as HyperBEAM finds it: names in any case (but in maps of more than `AO_NAMES_ANY_CASE_MAX` names as
 * they are written), elements of a list from 1 on, and `body` of what is no map is that itself.
 */
export function fieldAt(value: unknown, keys: readonly string[]): unknown {
  let found = value
  for (const key of keys) found = stepInto(found, key)
  return found
}

function stepInto(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return /^\d{1,9}$/.test(key) ? value[Number(key) - 1] : undefined
  if (value instanceof Fields) return fieldNamed(value, key)
  if (isMap(value)) return fieldNamed(new Fields(Object.entries(value)), key)
  return key === 'body' ? value : undefined
}

function fieldNamed(fields: Fields, key: string): unknown {
  if (fields.has(key) || fields.size > AO_NAMES_ANY_CASE_MAX) return fields.get(key)
  const lower = key.toLowerCase()
  for (const [name, value] of fields) if (name.toLowerCase() === lower) return value
  return undefined
}
