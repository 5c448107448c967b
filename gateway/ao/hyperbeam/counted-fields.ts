import { AO_PUBLISHED_DEPTH_MAX, AO_PUBLISHED_MAX_BYTES, Failure } from '../../../protocol/index.ts'
import { Fields, isMap } from './fields.ts'

/** Fields that are merged, and counted as they come: never more than `AO_PUBLISHED_MAX_BYTES` of memory. */
export class CountedFields {
  readonly fields = new Fields()
  #bytes = MAP_BYTES

  /** At most so much memory do they take. */
  get bytes(): number {
    return this.#bytes
  }

  /** Maps are merged into maps; all else takes the place of what was there. @throws {Failure} `too-large`, in the midst of it */
  merge(patch: Iterable<readonly [string, unknown]>): void {
    this.#merge(this.fields, patch, 1)
  }

  #merge(into: Fields, patch: Iterable<readonly [string, unknown]>, depth: number): void {
    for (const [name, value] of patch) {
      if (!isMap(value)) {
        this.#put(into, name, value, depth)
        continue
      }
      const before = into.get(name)
      const map = before instanceof Fields ? before : this.#put(into, name, new Fields(), depth)
      this.#merge(map, Object.entries(value), depth + 1)
    }
  }

  #put<T>(into: Fields, name: string, value: T, depth: number): T {
    this.#bytes += sizeOf(value, depth)
    this.#bytes -= into.has(name) ? sizeOf(into.get(name), depth) : -nameSize(name)
    if (this.#bytes > AO_PUBLISHED_MAX_BYTES) throw tooLarge()
    into.set(name, value)
    return value
  }
}

// What the engine takes at most, as measured: characters have two bytes if one of them needs it, tables are up to half empty.
const MAP_BYTES = 256
const NAME_BYTES = 96
const LIST_BYTES = 64
const VALUE_BYTES = 32
const CHARACTER_BYTES = 2

const nameSize = (name: string): number => NAME_BYTES + CHARACTER_BYTES * name.length

function sizeOf(value: unknown, depth: number): number {
  if (typeof value === 'string') return VALUE_BYTES + CHARACTER_BYTES * value.length
  if (typeof value !== 'object' || value === null) return VALUE_BYTES
  if (depth > AO_PUBLISHED_DEPTH_MAX) throw tooLarge()
  if (Array.isArray(value)) return value.reduce<number>((size, one) => size + sizeOf(one, depth + 1), LIST_BYTES)
  let size = MAP_BYTES
  for (const [name, one] of value instanceof Fields ? value : Object.entries(value)) {
    size += nameSize(name) + sizeOf(one, depth + 1)
  }
  return size
}

const tooLarge = (): Failure =>
  new Failure('too-large', { maxBytes: AO_PUBLISHED_MAX_BYTES, maxDepth: AO_PUBLISHED_DEPTH_MAX })
