// Amounts: whole numbers without sign, as decimal text without leading zeros, of any size a token
// needs. Text is what tags carry and what people read in a cell; sums are as long as the numbers.

/** 10^76 - 1 lies below 2^255, so AO's 256-bit tokens hold every amount. */
export const DIGITS_MAX: i32 = 76

/** The canonical text of an amount, or null if `text` is none. */
export function amountOf(text: string): string | null {
  if (text.length == 0) return null
  let zeros = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 48 || code > 57) return null
    if (code == 48 && i == zeros && i < text.length - 1) zeros++
  }
  return text.length - zeros > DIGITS_MAX ? null : text.substring(zeros)
}

/** Below, above or equal: negative, positive, 0. */
export function compare(a: string, b: string): i32 {
  if (a.length != b.length) return a.length - b.length
  for (let i = 0; i < a.length; i++) {
    const difference = a.charCodeAt(i) - b.charCodeAt(i)
    if (difference != 0) return difference
  }
  return 0
}

/** a + b, or null if that is no amount any more. */
export function plus(a: string, b: string): string | null {
  const length = max(a.length, b.length)
  const sum = new Uint16Array(length + 1)
  let carry = 0
  for (let i = 0; i < length; i++) {
    const digit = digitAt(a, i) + digitAt(b, i) + carry
    carry = digit / 10
    sum[length - i] = <u16>(48 + (digit % 10))
  }
  sum[0] = <u16>(48 + carry)
  return textOf(sum)
}

/** a - b, where a is not below b. */
export function minus(a: string, b: string): string {
  const difference = new Uint16Array(a.length)
  let borrow = 0
  for (let i = 0; i < a.length; i++) {
    let digit = digitAt(a, i) - digitAt(b, i) - borrow
    borrow = digit < 0 ? 1 : 0
    if (digit < 0) digit += 10
    difference[a.length - 1 - i] = <u16>(48 + digit)
  }
  const text = textOf(difference)
  return text == null ? '0' : text
}

/** The digit at position `place` from the right. */
function digitAt(text: string, place: i32): i32 {
  return place < text.length ? text.charCodeAt(text.length - 1 - place) - 48 : 0
}

function textOf(digits: Uint16Array): string | null {
  return amountOf(String.UTF16.decodeUnsafe(digits.dataStart, 2 * digits.length))
}
