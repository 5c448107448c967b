/**
 * `whole`, with some of its members replaced. It has all of them on itself, methods bound: a log is asked several times for each
 * message, and a proxy would look for the member each time. Methods are those that `whole` has now.
 */
export function withOverrides<T extends object>(whole: T, overrides: Partial<T>): T {
  const copy = {}
  for (const [name, value] of Object.entries(overrides))
    if (value !== undefined) Object.defineProperty(copy, name, { value })
  for (let level = whole; level !== Object.prototype && level !== null; level = Object.getPrototypeOf(level)) {
    for (const name of Reflect.ownKeys(level))
      if (!Object.hasOwn(copy, name)) Object.defineProperty(copy, name, sameOn(whole, name))
  }
  return copy as T
}

function sameOn(whole: object, name: string | symbol): PropertyDescriptor {
  const value: unknown = Reflect.get(whole, name)
  return typeof value === 'function' ? { value: value.bind(whole) } : { get: () => Reflect.get(whole, name) }
}
