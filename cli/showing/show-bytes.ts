import { stripVTControlCharacters } from 'node:util'
import { fromUtf8, toBase64Url } from '../../protocol/index.ts'

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal would act on
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/

/** Text of bytes that a terminal can show, or nothing: no text, or text that would drive the terminal. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = fromUtf8(bytes)
    return CONTROL.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

/** Bytes for eyes: as text, or in base64url with a mark. */
export function showBytes(bytes: Uint8Array): string {
  return textOf(bytes) ?? `base64url:${toBase64Url(bytes)}`
}

/** What turns the direction of text: words could stand in another order than they were written in. */
const TURNS = /[\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

/** Text from a process, without colours and whatever else would drive the terminal. It may have several lines. */
export function safeText(text: string): string {
  return stripVTControlCharacters(text).replaceAll(new RegExp(CONTROL, 'g'), '�').replaceAll(TURNS, '�')
}

/** As `safeText`, on one line: it can feign no other one. */
export function safeLine(text: string): string {
  return safeText(text).replaceAll(/[\n\t]/g, ' ')
}

/** What nobody sees, or takes for a plain space. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}|^ +| +$/gu

/** A name for eyes: what cannot be seen of it stands there by its number, so that it does not look like another. */
export function safeName(text: string): string {
  return text.replaceAll(UNSEEN, unseen =>
    Array.from(unseen, letter => `\\u{${(letter.codePointAt(0) ?? 0).toString(16)}}`).join(''),
  )
}

/** As `safeText`, lines after the first set in, so that none looks like one of ours. */
export function safeBlock(text: string): string {
  return safeText(text).trimEnd().replaceAll('\n', '\n    ')
}
