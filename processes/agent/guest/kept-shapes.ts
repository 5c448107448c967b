/** More fields are rare, and what is kept grows with their square. */
const FIELDS_MAX = 32

const kept: object[] = []

/** An object of each layout that the host makes: an empty list, a task, and those of `keepSample`. It looks at them when the program is loaded. */
export const samples: object[] = [[]]

/** Keeps how plain objects with these fields are laid out; gives the place of one in `samples`, if it has not too many. */
export function keepSample(fields: readonly string[]): number | undefined {
  keepShapes(fields)
  const sample = kept.at(-1)
  return fields.length > FIELDS_MAX || sample === undefined ? undefined : samples.push(sample) - 1
}

/**
 * Has the engine keep how objects with these fields are laid out, from none to all of them. It forgets a layout with the last object that has it, and makes it
 * anew, field by field, for the next: that takes twice as long. Call it only while the program is loaded.
 */
function keepShapes(fields: readonly string[], prototype: object = Object.prototype): void {
  if (fields.length > FIELDS_MAX) return
  for (let count = 0; count <= fields.length; count++) {
    // Of each two: the count of a layout that a single object has is not for good (`for-good.ts`).
    for (let copies = 0; copies < 2; copies++) {
      const object = Object.create(prototype) as Record<string, undefined>
      for (const field of fields.slice(0, count)) object[field] = undefined
      kept.push(object)
    }
  }
}

/** The same of objects that are made alike, of which only the last field may be hidden. */
export function keepShapesOf(make: () => object): void {
  const [one, other] = [make(), make()]
  keepShapes(Object.keys(one), Object.getPrototypeOf(one) as object)
  kept.push(one, other)
}
