/**
 * What the host gives a program from outside, taken off the global object before any other code runs.
 * Everything else comes in with a message and goes out with its answer.
 */
interface HostFunctions {
  /** 32 random bits: a PRF of process, slot and a counter. */
  random(): number
  /** The id that a spawn at this place of the slot's outbox will have. */
  child(index: number): string
  /** Writes the JSON of the slot's reply, if all of it is plain, and what the route of this number promises if there is one; says whether it did. */
  write(value: unknown, route?: number): boolean
  /** The data of the slot's message as text, and the rest of it as JSON. */
  data(): string
  rest(): string
  /** A line for the log; kept even if the run traps. */
  log(text: string): void
}

const given = globalThis as typeof globalThis & { __host?: HostFunctions }
if (given.__host === undefined) throw new Error('expected a host')

export const host: HostFunctions = given.__host
delete given.__host
