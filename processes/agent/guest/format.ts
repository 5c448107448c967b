/** Values as one line of the log: texts as they are, errors with their stack, the rest as JSON. */
export function format(values: readonly unknown[]): string {
  return values.map(one).join(' ')
}

function one(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    if (value instanceof Error) return `${value.name}: ${value.message}\n${value.stack ?? ''}`.trimEnd()
    if (typeof value === 'object' && value !== null) return JSON.stringify(value) ?? String(value)
    return String(value)
  } catch {
    return '[something that cannot be told]'
  }
}
