/** A piece this long is cut in two. */
const PIECE_MAX = 512

/** Keys with the same first characters are ordered only if somebody asks for some of them. */
const PREFIX_CHARACTERS = 16

/** Texts in order. Most of what is written is never asked for in order: that costs next to nothing. */
export class OrderedKeys {
  readonly #groups = new Map<string, Group>()
  /** Prefixes in order; nothing after one came. */
  #prefixes: string[] | undefined
  /** Came since somebody last asked, and are in no group yet. */
  #added: string[]

  constructor(keys: Iterable<string> = []) {
    this.#added = [...keys]
  }

  /** Takes a key that is not there. */
  add(key: string): void {
    this.#added.push(key)
  }

  #groupAll(): void {
    for (const key of this.#added) this.#group(key)
    if (this.#added.length > 0) this.#added = []
  }

  #group(key: string): void {
    const prefix = key.slice(0, PREFIX_CHARACTERS)
    let group = this.#groups.get(prefix)
    if (group === undefined) {
      group = new Group()
      this.#groups.set(prefix, group)
      this.#prefixes = undefined
    }
    group.add(key)
  }

  delete(key: string): void {
    this.#groupAll()
    this.#groups.get(key.slice(0, PREFIX_CHARACTERS))?.delete(key)
  }

  /** Up to `limit` keys from `gte` on, before `lt`: the first of them, or the last, those backwards. */
  range(gte: string, lt: string, limit: number, reverse: boolean): string[] {
    this.#groupAll()
    this.#prefixes ??= [...this.#groups.keys()].sort(byCode)
    const from = placeIn(this.#prefixes, gte.slice(0, PREFIX_CHARACTERS))
    const inside = this.#prefixes.slice(from, placeIn(this.#prefixes, lt) + 1)
    const found: string[] = []
    for (const prefix of reverse ? inside.reverse() : inside) {
      const left = limit - found.length
      if (left <= 0) break
      for (const key of this.#groups.get(prefix)?.range(gte, lt, left, reverse) ?? []) found.push(key)
    }
    return found
  }
}

/** Keys of one prefix, in pieces: one that comes or goes moves those of its piece, not all. */
class Group {
  /** None is empty. */
  readonly #pieces: string[][] = []
  /** Came since somebody last asked, and have no place yet. */
  #added: string[] = []

  add(key: string): void {
    this.#added.push(key)
  }

  #place(key: string): void {
    const place = Math.max(0, this.#pieceOf(key))
    const piece = (this.#pieces[place] ??= [])
    const at = placeIn(piece, key)
    piece.splice(at, 0, key)
    if (piece.length > PIECE_MAX) this.#pieces.splice(place + 1, 0, piece.splice(PIECE_MAX / 2))
  }

  delete(key: string): void {
    this.#placeAll()
    const place = this.#pieceOf(key)
    const piece = this.#pieces[place]
    if (piece === undefined) return
    const at = placeIn(piece, key)
    if (piece[at] !== key) return
    piece.splice(at, 1)
    if (piece.length === 0) this.#pieces.splice(place, 1)
  }

  range(gte: string, lt: string, limit: number, reverse: boolean): string[] {
    this.#placeAll()
    const found: string[] = []
    const step = reverse ? -1 : 1
    let place = Math.max(0, this.#pieceOf(reverse ? lt : gte))
    for (; found.length < limit; place += step) {
      const piece = this.#pieces[place]
      if (piece === undefined) break
      const [from, to] = [placeIn(piece, gte), placeIn(piece, lt)]
      const keys = reverse ? piece.slice(from, to).reverse() : piece.slice(from, to)
      for (const key of keys.slice(0, limit - found.length)) found.push(key)
      if (reverse ? from > 0 : to < piece.length) break
    }
    return found
  }

  #placeAll(): void {
    for (const key of this.#added) this.#place(key)
    if (this.#added.length > 0) this.#added = []
  }

  /** The last piece that does not begin behind `key`; -1 if all do. */
  #pieceOf(key: string): number {
    let low = 0
    for (let high = this.#pieces.length; low < high; ) {
      const middle = (low + high) >>> 1
      if ((this.#pieces[middle]?.[0] ?? '') <= key) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}

const byCode = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** How many of them come before `key`. */
function placeIn(keys: readonly string[], key: string): number {
  let low = 0
  for (let high = keys.length; low < high; ) {
    const middle = (low + high) >>> 1
    if ((keys[middle] ?? '') < key) low = middle + 1
    else high = middle
  }
  return low
}
