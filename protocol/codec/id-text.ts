import { toBase64Url } from './bytes.ts'

/** Ids whose text is remembered; a power of two. */
const REMEMBERED = 1024
const ID_BYTES = 32

const remembered = new Uint8Array(REMEMBERED * ID_BYTES)
const texts = new Array<string>(REMEMBERED).fill(toBase64Url(new Uint8Array(ID_BYTES)))

/** The 43 characters of an id that lies at `from`. Ids of processes and keys recur; the same text is given again, so that maps find it at once. */
export function idText(bytes: Uint8Array, from = 0): string {
  const place = ((bytes[from] ?? 0) | ((bytes[from + 1] ?? 0) << 8)) & (REMEMBERED - 1)
  const start = place * ID_BYTES
  let at = 0
  while (at < ID_BYTES && remembered[start + at] === bytes[from + at]) at++
  if (at === ID_BYTES) return texts[place] ?? ''
  const id = bytes.subarray(from, from + ID_BYTES)
  const text = toBase64Url(id)
  texts[place] = text
  remembered.set(id, start)
  return text
}
