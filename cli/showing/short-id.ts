const HEAD = 6
const TAIL = 3

/** The short form of an id, for eyes: `kx3f9a…q2a`. Other text stays as it is. */
export function shortId(id: string): string {
  return id.length === 43 ? `${id.slice(0, HEAD)}…${id.slice(-TAIL)}` : id
}

/** Tells whether `text` is the short form, or the beginning, of `id`. */
export function matchesId(text: string, id: string): boolean {
  const [head = '', tail] = text.split('…')
  if (head.length < 4 || !id.startsWith(head)) return false
  return tail === undefined || id.endsWith(tail)
}
