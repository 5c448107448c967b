import { type CandidValue, candidLabel, principalText } from '../../protocol/index.ts'

/** Names by their hashes: all words of an interface. */
export function namesOf(did: string): ReadonlyMap<number, string> {
  return new Map([...did.matchAll(/[A-Za-z_][A-Za-z0-9_]*/g)].map(([name]) => [candidLabel(name), name]))
}

/** Values as Candid's text; fields by name, where the interface has one for their hash. */
export function showCandid(values: readonly CandidValue[], names: ReadonlyMap<number, string>): string {
  return `(${values.map(value => show(value, names)).join(', ')})`
}

function show(value: CandidValue, names: ReadonlyMap<number, string>): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'bigint' || typeof value === 'number') return value.toLocaleString('en').replaceAll(',', '_')
  if (typeof value === 'string') return JSON.stringify(value)
  if (value instanceof Uint8Array) return `blob "${[...value].map(escaped).join('')}"`
  if (Array.isArray(value))
    return `vec { ${(value as readonly CandidValue[]).map(one => show(one, names)).join('; ')} }`
  if ('principal' in value) return `principal "${principalText(value.principal)}"`
  if ('opt' in value) return value.opt === undefined ? 'null' : `opt ${show(value.opt, names)}`
  if ('record' in value) {
    const fields = [...value.record].map(([label, field], at) =>
      label === at ? show(field, names) : `${names.get(label) ?? label} = ${show(field, names)}`,
    )
    return `record { ${fields.join('; ')} }`
  }
  if ('variant' in value) {
    const [label, inside] = value.variant
    const name = names.get(label) ?? String(label)
    return `variant { ${inside === null ? name : `${name} = ${show(inside, names)}`} }`
  }
  return ''
}

const escaped = (byte: number): string =>
  byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
    ? String.fromCharCode(byte)
    : `\\${byte.toString(16).padStart(2, '0')}`
