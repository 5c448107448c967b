import type { JsonDifference } from '../../protocol/index.ts'
import { safeLine } from './show-bytes.ts'

const VALUE_MAX = 200

/** Differences of two documents for eyes, a line each: `~` changed, `+` came, `-` went. */
export function showDifferences(differences: readonly JsonDifference[]): string {
  return differences.map(showDifference).join('\n')
}

function showDifference({ path, ...values }: JsonDifference): string {
  const place = safeLine(path.map((part, at) => showPart(part, at === 0)).join(''))
  if (!('before' in values) || values.before === undefined) return `+ ${place} ${show(values.after)}`
  if (!('after' in values) || values.after === undefined) return `- ${place} ${show(values.before)}`
  return `~ ${place} ${show(values.before)} → ${show(values.after)}`
}

function showPart(part: string | number, isFirst: boolean): string {
  if (typeof part === 'number') return `[${part}]`
  if (!/^[A-Za-z_$][\w$]*$/.test(part)) return `[${JSON.stringify(part)}]`
  return isFirst ? part : `.${part}`
}

function show(value: unknown): string {
  const text = safeLine(JSON.stringify(value) ?? 'nothing')
  return text.length > VALUE_MAX ? `${text.slice(0, VALUE_MAX)}…` : text
}
