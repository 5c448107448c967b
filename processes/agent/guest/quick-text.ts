/**
 * How the JSON of a value is written by code made for its schema.
 *
 * To quote a text, the engine looks at each of its characters, in ten times the time it takes to copy it. So texts go out raw between marks, and
 * the host puts the quotes (`processes/agent/quotes.ts`). It is told how many texts there are: one that holds a mark itself is noticed.
 */

/** Stands for a quote. In JSON it stands nowhere, for it is a control character. */
export const MARK = '\u0001'
/** Before and behind the number of texts. */
export const COUNT = '\u0002'

/** A piece of JSON as it is, or an expression that gives one. */
export type Piece = { readonly literal: string } | { readonly code: string }

/** How a value that passed its test is written. */
export interface TextPlan {
  readonly pieces: (name: string) => readonly Piece[]
  /** Texts among them, without those that the code of a piece counts itself. */
  readonly texts: number
  /** What stands on both sides of a value that is otherwise written as it is. */
  readonly around?: string
}

/** A text, between marks. */
export const quotedText: TextPlan = {
  pieces: name => [{ literal: MARK }, { code: name }, { literal: MARK }],
  texts: 1,
  around: MARK,
}

/** A number, true or false. */
export const plainText: TextPlan = { pieces: name => [{ code: name }], texts: 0, around: '' }

export const nullText: TextPlan = { pieces: () => [{ literal: 'null' }], texts: 0 }

/** The expression of pieces one behind the other. */
export function joined(pieces: readonly Piece[]): string {
  const terms: string[] = []
  let literal = ''
  for (const piece of pieces) {
    if ('literal' in piece) {
      literal += piece.literal
      continue
    }
    // The first must be a text, or numbers would be added.
    if (literal !== '' || terms.length === 0) terms.push(JSON.stringify(literal))
    terms.push(piece.code)
    literal = ''
  }
  if (literal !== '' || terms.length === 0) terms.push(JSON.stringify(literal))
  return terms.join(' + ')
}

/** An expression that also counts its texts, in the variable `n`. */
const counted = (plan: TextPlan, pieces: readonly Piece[]): string =>
  plan.texts === 0 ? `(${joined(pieces)})` : `(n += ${plan.texts}, ${joined(pieces)})`

export const nullableText = (inner: TextPlan): TextPlan => ({
  pieces: name => [{ code: `(${name} === null ? "null" : ${counted(inner, inner.pieces(name))})` }],
  texts: 0,
})

/** A call of a function that writes and counts. */
export const calledText = (writer: string): TextPlan => ({
  pieces: name => [{ code: `${writer}(${name})` }],
  texts: 0,
})

/** The function that writes a list. */
export function listWriter(item: TextPlan): string {
  if (item.around === undefined) {
    const one = counted(item, [{ literal: ',' }, ...item.pieces('v[i]')])
    return `v => { var s = ''; for (var i = 0; i < v.length; i++) s += ${one}; return '[' + s.slice(1) + ']' }`
  }
  const { around } = item
  const [open, between, close] = [`[${around}`, `${around},${around}`, `${around}]`].map(text => JSON.stringify(text))
  const count = item.texts === 0 ? '' : 'n += v.length; '
  return `v => { if (v.length === 0) return '[]'; ${count}return ${open} + v.join(${between}) + ${close} }`
}

/** A field of an object, and how it is written. */
export interface FieldText {
  readonly key: string
  /** The expression that reads it. */
  readonly read: string
  readonly text: TextPlan
  readonly mayBeAbsent: boolean
}

/**
 * The function that writes an object: the fields of its shape that are there, in their order. What has others, or whose class says how it is
 * written, makes the number of texts none: it is written whole, however that comes about.
 */
export function objectWriter(fields: readonly FieldText[]): string {
  const count = fields.reduce((sum, { text, mayBeAbsent }) => sum + (mayBeAbsent ? 0 : text.texts), 0)
  const isWhole = !fields.some(({ mayBeAbsent }) => mayBeAbsent)
  const pieces = fields.flatMap(({ key, read, text, mayBeAbsent }, index): readonly Piece[] => {
    const comma = isWhole && index === 0 ? '' : ','
    const field = [{ literal: `${comma}${JSON.stringify(key)}:` }, ...text.pieces(read)]
    return mayBeAbsent ? [{ code: `(${read} === undefined ? "" : (k--, ${counted(text, field)}))` }] : field
  })
  const all = isWhole
    ? joined([{ literal: '{' }, ...pieces, { literal: '}' }])
    : `'{' + (${joined(pieces)}).slice(1) + '}'`
  const required = fields.filter(({ mayBeAbsent }) => !mayBeAbsent).length
  return `v => { var k = N(v).length, s = ${all}; n += k === ${required} && P(v) === O ? ${count} : NaN; return s }`
}
