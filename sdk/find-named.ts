import { Failure, type FailureCode, findTag, isId, type Tag } from '../protocol/index.ts'

/** So that a name never makes a client read a whole directory of a large node. */
const LOOKED_AT_MAX = 10_000
/** Ids that a failure names, where a name fits several things. */
const CANDIDATES_MAX = 8

/** A thing with an id that people call by its Name tag. */
export interface Named {
  readonly id: string
  readonly tags: readonly Tag[]
}

export const isNamed = ({ tags }: Named, text: string): boolean => findTag(tags, 'Name') === text

/**
 * The id that `text` means among `list`: an id is itself, and nothing is read; else the one thing that `fits`.
 * @throws {Failure} `unknown` if there is none, `ambiguous-name` if there are several
 */
export async function findNamed<T extends Named>(
  text: string,
  list: () => AsyncIterable<T>,
  unknown: FailureCode,
  fits: (one: T) => boolean = one => isNamed(one, text),
): Promise<string> {
  if (isId(text)) return text
  const found: string[] = []
  let looked = 0
  for await (const one of list()) {
    if (fits(one)) found.push(one.id)
    if (++looked >= LOOKED_AT_MAX) break
  }
  const [only, another] = found
  if (only === undefined) throw new Failure(unknown, { name: text })
  if (another === undefined) return only
  throw new Failure('ambiguous-name', { name: text, candidates: found.slice(0, CANDIDATES_MAX) })
}
