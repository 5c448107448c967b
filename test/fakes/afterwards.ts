/** A promise of `value`; `then` is done in the turn right behind that of whoever awaits it, before anybody hears of what it led to. */
export function afterwards<T>(value: T, then: () => void): Promise<T> {
  const given = { value, then }
  return {
    // biome-ignore lint/suspicious/noThenProperty: it is awaited
    then(fulfilled: (value: T) => void) {
      fulfilled(given.value)
      queueMicrotask(given.then)
    },
  } as unknown as Promise<T>
}
