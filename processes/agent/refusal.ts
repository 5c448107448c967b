import { Failure } from '../../protocol/index.ts'

/** A module that cannot run, by the rule it breaks. */
export function refused(rule: string, note: string, cause?: unknown): Failure {
  return new Failure('module-refused', { rule }, cause === undefined ? { note } : { note, cause })
}
