/** Texts up to here count a byte a character: what that leaves out stays far below what the host takes beyond our bounds. */
const SHORT_MAX = 1024

/** Bytes of a text in UTF-8; of a short one its characters. */
export const bytesOf = (text: string): number => (text.length <= SHORT_MAX ? text.length : utf8BytesOf(text))

/** Bytes of a text in UTF-8. */
export function utf8BytesOf(text: string): number {
  let bytes = text.length
  if (!/[\u0080-\uffff]/.test(text)) return bytes
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0x80) continue
    bytes += unit < 0x800 ? 1 : 2
    // A pair has four bytes.
    if ((unit & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00) at += 1
  }
  return bytes
}
