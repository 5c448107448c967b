import { type CandidValue, candidLabel, principalText } from '../../protocol/index.ts'

/** Names by their hashes: all words of an interface. */
export function namesOf(did: string): ReadonlyMap<number, string> {
  return new Map([...did.matchAll(/[A-Za-z_][A-Za-z0-9_]*/g)].map(([name]) => [candidLabel(name), name]))
}

/** What a line of a terminal holds. */
export const LINE_WIDTH = 80

/**
 * Values as Candid's text; fields by name, where the interface has one for their hash. What is wider than `width` characters stands
 * on lines of its own, which mean the same.
 */
export function showCandid(
  values: readonly CandidValue[],
  names: ReadonlyMap<number, string>,
  width = Number.POSITIVE_INFINITY,
): string {
  const pieces = values.map(value => pieceOf(value, names))
  return written({ open: '(', pieces, separator: ',', close: ')' }, width)
}

/** Text, or pieces between two marks. */
type Piece = string | Listed
interface Listed {
  readonly open: string
  readonly pieces: readonly Piece[]
  readonly separator: ',' | ';'
  readonly close: string
}

function written(piece: Piece, width: number, indent = ''): string {
  const flat = flatText(piece)
  if (typeof piece === 'string' || piece.pieces.length === 0 || indent.length + flat.length <= width) return flat
  const inner = `${indent}  `
  const lines = piece.pieces.map(each => `${inner}${written(each, width, inner)}${piece.separator}\n`)
  return `${piece.open}\n${lines.join('')}${indent}${piece.close}`
}

function flatText(piece: Piece): string {
  if (typeof piece === 'string') return piece
  const { open, pieces, separator, close } = piece
  const inside = pieces.map(flatText).join(`${separator} `)
  return open.endsWith('(') || inside === '' ? open + inside + close : `${open} ${inside} ${close}`
}

function pieceOf(value: CandidValue, names: ReadonlyMap<number, string>): Piece {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'bigint' || typeof value === 'number') return value.toLocaleString('en').replaceAll(',', '_')
  if (typeof value === 'string') return JSON.stringify(value)
  if (value instanceof Uint8Array) return `blob "${[...value].map(escaped).join('')}"`
  if (Array.isArray(value))
    return inBraces(
      'vec',
      (value as readonly CandidValue[]).map(one => pieceOf(one, names)),
    )
  if ('principal' in value) return `principal "${principalText(value.principal)}"`
  if ('opt' in value) return value.opt === undefined ? 'null' : behind('opt ', pieceOf(value.opt, names))
  if ('record' in value) {
    const fields = [...value.record].map(([label, field], at) =>
      label === at ? pieceOf(field, names) : behind(`${names.get(label) ?? label} = `, pieceOf(field, names)),
    )
    return inBraces('record', fields)
  }
  if ('variant' in value) {
    const [label, inside] = value.variant
    const name = names.get(label) ?? String(label)
    return inBraces('variant', [inside === null ? name : behind(`${name} = `, pieceOf(inside, names))])
  }
  return ''
}

const inBraces = (what: string, pieces: readonly Piece[]): Piece => ({
  open: `${what} {`,
  pieces,
  separator: ';',
  close: '}',
})

const behind = (text: string, piece: Piece): Piece =>
  typeof piece === 'string' ? text + piece : { ...piece, open: text + piece.open }

const escaped = (byte: number): string =>
  byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
    ? String.fromCharCode(byte)
    : `\\${byte.toString(16).padStart(2, '0')}`
