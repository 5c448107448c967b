/** Characters of a text that somebody wrote about what is theirs: a model reads all of them each time it is asked. */
const TEXT_MAX_CHARS = 1024
/** What nobody sees, and a model reads: control characters, and those of formats, such as tags and directions. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu

/** A stranger's words as they are told: in one line, all of it to be seen, and not endless. */
export function toldText(text: string): string {
  const seen = text.replaceAll(UNSEEN, ' ').toWellFormed()
  return seen.length <= TEXT_MAX_CHARS ? seen : `${seen.slice(0, TEXT_MAX_CHARS - 1).toWellFormed()}…`
}
