/** Texts that are remembered; a power of two. */
const REMEMBERED = 2048
const SHORT_MAX_BYTES = 32

const texts = new Array<string>(REMEMBERED).fill('')
/** One kept array of character codes for every length. */
const codes = Array.from({ length: SHORT_MAX_BYTES + 1 }, (_, length) => new Array<number>(length).fill(0))

/**
 * The text at [start, end) of `bytes`, if it is short and of ASCII alone. Names of tags and many values recur: the same text is
 * given again, so that nothing is made of it and maps find it at once.
 */
export function shortText(bytes: Uint8Array, start: number, end: number): string | undefined {
  const length = end - start
  const known = codes[length]
  if (known === undefined) return undefined
  let mixed = length
  for (let at = 0; at < length; at++) {
    const code = bytes[start + at] ?? 0
    if (code > 127) return undefined
    known[at] = code
    mixed = Math.imul(mixed ^ code, 0x01000193)
  }
  const place = (mixed ^ (mixed >>> 15)) & (REMEMBERED - 1)
  const text = texts[place] ?? ''
  if (text.length === length && spells(text, known)) return text
  const made = String.fromCharCode.apply(null, known)
  texts[place] = made
  return made
}

function spells(text: string, codes: readonly number[]): boolean {
  for (let at = 0; at < codes.length; at++) if (text.charCodeAt(at) !== codes[at]) return false
  return true
}
