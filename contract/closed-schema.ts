import type { JsonSchema } from '../protocol/index.ts'

/** Schemas within schemas that are looked at; what lies deeper takes anything. */
export const DEPTH_MAX = 32
/** Keywords by which a schema may take fields that its `properties` do not name. */
const OTHER_FIELDS = ['patternProperties', 'allOf', 'anyOf', 'oneOf', 'if', 'dependentSchemas', '$dynamicRef']
const FORMS = ['anyOf', 'oneOf']

/**
 * The same schema, where each object that names its fields says that it takes no others (`additionalProperties: false`). One
 * that tells what it does with others is left as it is, and so is one some of whose fields another part may name. References
 * are not followed.
 */
export function closedSchema(schema: JsonSchema): JsonSchema {
  return closed(schema, 0, false)
}

/** `isPart`: whether the value has fields that are named outside of this schema. */
function closed<T>(given: T, depth: number, isPart: boolean): T | JsonSchema {
  if (!isObject(given) || depth >= DEPTH_MAX || '$ref' in given) return given
  const within = (schema: unknown): unknown => closed(schema, depth + 1, false)
  const parts = Object.entries(given).map(([keyword, value]) => {
    if (keyword === 'items' || keyword === 'additionalProperties') return [keyword, within(value)]
    if (keyword === 'properties' && isObject(value)) return [keyword, mapped(value, within)]
    if (!FORMS.includes(keyword) || !Array.isArray(value)) return [keyword, value]
    const isPartOfForm = isPart || namesFieldsBeside(keyword, given)
    return [keyword, value.map(form => closed(form, depth + 1, isPartOfForm))]
  })
  const namesAll = isObject(given['properties']) && !OTHER_FIELDS.some(keyword => keyword in given)
  if (namesAll && !isPart && !('additionalProperties' in given)) parts.push(['additionalProperties', false])
  return Object.fromEntries(parts)
}

function namesFieldsBeside(keyword: string, schema: JsonSchema): boolean {
  return ['properties', ...OTHER_FIELDS].some(other => other !== keyword && other in schema)
}

function mapped(all: JsonSchema, map: (one: unknown) => unknown): JsonSchema {
  return Object.fromEntries(Object.entries(all).map(([name, one]) => [name, map(one)]))
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
