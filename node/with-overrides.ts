interface Bound {
  readonly method: unknown
  readonly bound: unknown
}

/** `whole`, with some of its members replaced. */
export function withOverrides<T extends object>(whole: T, overrides: Partial<T>): T {
  /** Methods are bound once: a log is asked several times for each message. */
  const methods = new Map<string | symbol, Bound>()
  return new Proxy(whole, {
    get(target, name) {
      const own: unknown = Reflect.get(overrides, name)
      if (own !== undefined) return own
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      const known = methods.get(name)
      if (known?.method === value) return known.bound
      const bound: unknown = value.bind(target)
      methods.set(name, { method: value, bound })
      return bound
    },
  })
}
