/** More fields are rare, and what is kept grows with their square. */
const FIELDS_MAX = 32

const kept: object[] = []

/**
 * Has the engine keep how objects with these fields are laid out, from none to all of them. It forgets a layout with the last object that has it, and makes it
 * anew, field by field, for the next: that takes twice as long. Call it only while the program is loaded.
 */
export function keepShapes(fields: readonly string[], prototype: object = Object.prototype): void {
  if (fields.length > FIELDS_MAX) return
  for (let count = 0; count <= fields.length; count++) {
    const object = Object.create(prototype) as Record<string, undefined>
    for (const field of fields.slice(0, count)) object[field] = undefined
    kept.push(object)
  }
}

/** The same of an object whose fields nobody sees, but for what comes before its last field. */
export function keepShapeOf(object: object): void {
  keepShapes(Object.keys(object), Object.getPrototypeOf(object) as object)
  kept.push(object)
}
