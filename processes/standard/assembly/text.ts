// Checks of texts that come in tags.

import { fail, tag } from './atoll'

/** Letters, digits, - and _: ids, and addresses of other chains. */
export function isAddress(text: string): bool {
  if (text.length == 0 || text.length > 128) return false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (!isLetter(code | 32) && !isDigit(code) && code != 45 && code != 95) return false
  }
  return true
}

/** A name that people type: small letters, digits, - _ and . */
export function isName(text: string): bool {
  if (text.length == 0 || text.length > 64) return false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (!isLetter(code) && !isDigit(code) && code != 45 && code != 95 && code != 46) return false
  }
  return true
}

function isLetter(code: i32): bool {
  return code >= 97 && code <= 122
}

function isDigit(code: i32): bool {
  return code >= 48 && code <= 57
}

/** A number of up to `digits` digits; the run ends if `text` is none. */
export function numberOf(text: string, digits: i32): i64 {
  let value: i64 = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (!isDigit(code)) fail('"' + text + '" is no number')
    value = value * 10 + (code - 48)
  }
  if (text.length == 0 || text.length > digits)
    fail('expected a number of 1 to ' + digits.toString() + ' digits')
  return value
}

/** The entries of one page: what the Limit tag asks for, at most and by default `most`. */
export function pageLimit(most: i32): i32 {
  const text = tag('Limit')
  if (text == null) return most
  const limit = <i32>numberOf(text, 4)
  if (limit < 1 || limit > most) fail('Limit must be 1 to ' + most.toString())
  return limit
}
