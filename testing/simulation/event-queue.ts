/** Something that happens at a time. */
export interface TimedEvent {
  readonly atUs: number
  /** Ties are broken by who came first. */
  readonly order: number
  cancelled: boolean
}

/** Events by time: a binary heap. Those that were cancelled are dropped when they come up, or when they are too many. */
export class EventQueue<E extends TimedEvent> {
  #heap: E[] = []
  #cancelled = 0

  push(event: E): void {
    this.#heap.push(event)
    this.#rise(this.#heap.length - 1)
  }

  /** Takes no effect any more. */
  cancel(event: E): void {
    if (event.cancelled) return
    event.cancelled = true
    this.#cancelled += 1
    if (this.#cancelled > 64 && this.#cancelled > this.#heap.length / 2) this.#sweep()
  }

  /** The next event, which stays. */
  peek(): E | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (!first.cancelled) return first
      this.#removeFirst()
      this.#cancelled -= 1
    }
    return undefined
  }

  pop(): E | undefined {
    const first = this.peek()
    if (first !== undefined) this.#removeFirst()
    return first
  }

  #sweep(): void {
    this.#heap = this.#heap.filter(event => !event.cancelled)
    this.#cancelled = 0
    this.#heap.sort((a, b) => (isBefore(a, b) ? -1 : 1))
  }

  #removeFirst(): void {
    const last = this.#heap.pop()
    if (last === undefined || this.#heap.length === 0) return
    this.#heap[0] = last
    for (let at = 0; ; ) {
      const least = this.#least(at)
      if (least === at) return
      this.#swap(at, least)
      at = least
    }
  }

  #least(at: number): number {
    const left = 2 * at + 1
    const least = this.#before(left, at) ? left : at
    return this.#before(left + 1, least) ? left + 1 : least
  }

  #rise(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1
      if (!this.#before(at, parent)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #before(i: number, j: number): boolean {
    const a = this.#heap[i]
    const b = this.#heap[j]
    return a !== undefined && b !== undefined && isBefore(a, b)
  }

  #swap(i: number, j: number): void {
    const a = this.#heap[i]
    const b = this.#heap[j]
    if (a === undefined || b === undefined) return
    this.#heap[i] = b
    this.#heap[j] = a
  }
}

const isBefore = (a: TimedEvent, b: TimedEvent): boolean => a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order)
