import { fromUtf8, toBase64Url } from '../protocol/index.ts'

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

/** Text from a process, without what would drive the terminal. */
export function safeText(text: string): string {
  return text.replaceAll(new RegExp(CONTROL, 'g'), '�')
}
