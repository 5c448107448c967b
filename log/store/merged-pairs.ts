import { compareBytes, type StoreChange } from '../../protocol/index.ts'
import { plainBytes } from '../plain-bytes.ts'

/** Pairs of a database under changes that it has not taken yet, both in the same order. */
export async function* mergedPairs(
  above: readonly StoreChange[],
  below: AsyncIterable<{ key: Uint8Array; value: Uint8Array }>,
  reverse: boolean,
): AsyncGenerator<{ key: Uint8Array; value: Uint8Array }> {
  let at = 0
  for await (const pair of below) {
    let covered = false
    for (let next = above[at]; next !== undefined; next = above[++at]) {
      const order = compareBytes(next.key, pair.key)
      if (order !== 0 && order < 0 === reverse) break
      if (next.value !== undefined) yield { key: next.key, value: next.value }
      if (order === 0) {
        covered = true
        at++
        break
      }
    }
    if (!covered) yield { key: plainBytes(pair.key), value: plainBytes(pair.value) }
  }
  for (const { key, value } of above.slice(at)) {
    if (value !== undefined) yield { key, value }
  }
}
