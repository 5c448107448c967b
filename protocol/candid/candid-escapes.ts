import { joinBytes, MalformedBytes, toUtf8 } from '../codec/bytes.ts'

const SIGNS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\', '"': '"', "'": "'" }
const PART = /\\u\{([0-9a-f]+)\}|\\([0-9a-f]{2})|\\(.)|[^\\]+/gis

/** The bytes of a literal in quotes: `\n`, `\"`, `\41` (a byte in hexadecimal), `\u{1f600}`. @throws {MalformedBytes} */
export function unescapedCandid(literal: string): Uint8Array {
  const parts = Array.from(literal.slice(1, -1).matchAll(PART), ([text, point, byte, sign]) => {
    if (byte !== undefined) return Uint8Array.of(Number.parseInt(byte, 16))
    if (point !== undefined) return toUtf8(characterOf(Number.parseInt(point, 16)))
    const character = sign === undefined ? text : SIGNS[sign]
    if (character === undefined) throw new MalformedBytes(`candid: ${text} stands for nothing`, 0)
    return toUtf8(character)
  })
  return joinBytes(parts)
}

function characterOf(point: number): string {
  if (point > 0x10_ffff || (point >= 0xd800 && point < 0xe000)) throw new MalformedBytes('candid: no such character', 0)
  return String.fromCodePoint(point)
}
