import { setFlagsFromString } from 'node:v8'

/**
 * Calls after which the engine gives a function to its last and best compiler. Left alone it waits for 3,000: a program
 * whose work passes hundreds of small functions, each called once or twice for it, takes long to get there.
 */
const CALLS = 1000

/** Has the engine make its best code of what is called often soon, in this whole program. An engine that knows no such setting says so, and goes on. */
export function compileSooner(): void {
  setFlagsFromString(`--invocation-count-for-turbofan=${CALLS}`)
}

/**
 * Has the engine make every object among the young ones, in this whole program. Left alone it notes where objects are made that live long, and
 * makes those of these places among the old ones from then on, where they cost most: nothing is looked for there but now and then. Many
 * of a message's objects live until it is durable, just too long for such a guess, and all of them die soon after.
 */
export function allocateYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring')
}
