import { z } from 'zod'
import type { JsonSchema } from './interface-description.ts'

/** Keywords whose values are maps from names to schemas, or plain values: what stands below is no keyword. */
const NAMED_BELOW: ReadonlySet<string> = new Set(['properties', '$defs', 'definitions', 'dependentSchemas'])
const PLAIN_BELOW: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples', 'required'])
const PATTERNS: ReadonlySet<string> = new Set(['pattern', 'patternProperties', 'propertyNames', 'format'])
const DEPTH_MAX = 64

/**
 * Reads a JSON Schema that a stranger wrote, to check one's own input with before it is sent. Whatever could make the
 * check take for ever is left out: patterns are, and a schema that refers to itself takes anything. The process, which
 * wrote it, checks again.
 */
export function schemaOfJson(json: JsonSchema): z.ZodType {
  const bounded = withoutPatterns(json, DEPTH_MAX, false)
  if (bounded === undefined) return z.unknown()
  try {
    return z.fromJSONSchema(bounded as z.core.JSONSchema.JSONSchema)
  } catch {
    // Something that the reader does not know; nothing is refused because of it.
    return z.unknown()
  }
}

/** A copy without patterns; nothing, if it refers to other places or is too deep. */
function withoutPatterns(value: unknown, depth: number, isMap: boolean): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth === 0) return undefined
  if (Array.isArray(value)) {
    const entries = value.map(entry => withoutPatterns(entry, depth - 1, false))
    return entries.includes(undefined) ? undefined : entries
  }
  const copy: Record<string, unknown> = {}
  for (const [key, entry] of Object.entries(value)) {
    if (!isMap && PATTERNS.has(key)) continue
    if (!isMap && (key === '$ref' || key === '$dynamicRef')) return undefined
    const isPlain = !isMap && PLAIN_BELOW.has(key)
    const kept = isPlain ? entry : withoutPatterns(entry, depth - 1, !isMap && NAMED_BELOW.has(key))
    if (kept === undefined) return undefined
    Object.defineProperty(copy, key, { value: kept, enumerable: true, configurable: true, writable: true })
  }
  return copy
}
