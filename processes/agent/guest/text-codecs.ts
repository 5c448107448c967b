/** TextEncoder and TextDecoder for UTF-8: the engine has none of its own. */
export class Utf8Encoder {
  readonly encoding = 'utf-8'

  encode(text = ''): Uint8Array {
    const escaped = encodeURIComponent(String(text).toWellFormed())
    const bytes = new Uint8Array(escaped.length)
    let length = 0
    for (let at = 0; at < escaped.length; at++) {
      if (escaped[at] === '%') {
        bytes[length++] = Number.parseInt(escaped.slice(at + 1, at + 3), 16)
        at += 2
      } else bytes[length++] = escaped.charCodeAt(at)
    }
    return bytes.slice(0, length)
  }
}

const REPLACEMENT = 0xfffd
/** Lead bytes from which a sequence of that length may begin: its smallest value, to refuse longer forms. */
const SMALLEST = [0, 0, 0x80, 0x800, 0x1_0000]

export class Utf8Decoder {
  readonly encoding = 'utf-8'
  readonly fatal: boolean

  constructor(label = 'utf-8', options: { fatal?: boolean } = {}) {
    if (!/^(?:utf-?8)$/i.test(label)) throw new RangeError(`expected utf-8, got ${label}`)
    this.fatal = options.fatal === true
  }

  decode(input: ArrayBuffer | ArrayBufferView = new Uint8Array(0)): string {
    const bytes = ArrayBuffer.isView(input)
      ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
      : new Uint8Array(input)
    let text = ''
    for (let at = 0; at < bytes.length; ) {
      const [point, length] = readPoint(bytes, at)
      if (point === REPLACEMENT && length === 1 && this.fatal) throw new TypeError('the bytes are not UTF-8')
      text += String.fromCodePoint(point)
      at += length
    }
    return text
  }
}

/** The code point at a place and its length in bytes; what is not UTF-8 counts as one replacement a byte. */
function readPoint(bytes: Uint8Array, at: number): readonly [point: number, length: number] {
  const lead = bytes[at] ?? 0
  if (lead < 0x80) return [lead, 1]
  const length = lead >= 0xf0 && lead < 0xf5 ? 4 : lead >= 0xe0 ? 3 : 2
  if (lead < 0xc2 || lead > 0xf4 || at + length > bytes.length) return [REPLACEMENT, 1]
  let point = lead & (0x7f >> length)
  for (let next = 1; next < length; next++) {
    const byte = bytes[at + next] ?? 0
    if ((byte & 0xc0) !== 0x80) return [REPLACEMENT, 1]
    point = (point << 6) | (byte & 0x3f)
  }
  const isBad = point < (SMALLEST[length] ?? 0) || point > 0x10_ffff || (point >= 0xd800 && point < 0xe000)
  return isBad ? [REPLACEMENT, 1] : [point, length]
}
