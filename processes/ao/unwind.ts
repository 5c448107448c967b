import { GuestFault, LONGJMP } from './faults.ts'

/**
 * setjmp and longjmp, as emscripten builds them: the guest calls an import `invoke_<signature>`,
 * which calls back into the guest; a longjmp is an exception that the nearest of them catches. Only
 * that one value is caught. Traps, spent gas, faults of a host call and of the engine go through.
 */

/** Stack slots such an import takes from the depth limit, for its native frames. */
const INVOKE_SLOTS = 128

/** A word of the guest: bigint where addresses have 64 bits. */
export type RawWord = number | bigint
type RawFunction = (...args: readonly RawWord[]) => RawWord | undefined

/** What unwinding needs of an instance. */
export interface UnwindPoint {
  readonly stackSave: () => RawWord
  readonly stackRestore: (stack: RawWord) => void
  /** Tells the guest that a longjmp arrived: a word and an int. */
  readonly setThrew: (threw: RawWord, value: number) => void
  /** 1 as a word of this guest. */
  readonly one: RawWord
  readonly depth: { value: number }
  /** A function by its place in the table, as the signature says. */
  callee(signature: string, index: number): RawFunction | undefined
}

const INVOKE = /^invoke_([vijfd][ijfd]*)$/

/** Tells whether an import of this name is a call back into the guest. */
export const isInvoke = (name: string): boolean => INVOKE.test(name)

/** The import `invoke_<signature>`. */
export function makeInvoke(name: string, point: () => UnwindPoint): RawFunction {
  const signature = INVOKE.exec(name)?.[1] ?? 'v'
  const afterJump = signature.startsWith('j') ? 0n : 0
  return (index = 0, ...args) => {
    const { stackSave, stackRestore, setThrew, one, depth, callee } = point()
    const call = callee(signature, Number(index))
    if (call === undefined) throw new GuestFault('trap', 'call of an empty table entry')
    const stack = stackSave()
    const slots = depth.value
    depth.value = slots + INVOKE_SLOTS
    try {
      const result = call(...args)
      depth.value = slots
      return result
    } catch (error) {
      if (error !== LONGJMP) throw error
      depth.value = slots
      stackRestore(stack)
      setThrew(one, 0)
      return afterJump
    }
  }
}
