/** Numbers that look random and are the same for the same seed; below `max`. */
export function seededRandom(seed: number): (max: number) => number {
  let state = seed >>> 0
  return max => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % max
  }
}
