import { Failure, type ProcessId } from '../../protocol/index.ts'

/** A host gave something up for the sake of those who wait behind it: whoever asked repeats it where nobody does. */
export const tooLong = (process: ProcessId): Failure => new Failure('host-fault', { process, tooLong: true })

export const isTooLong = (error: unknown): boolean =>
  Failure.is(error, 'host-fault') && error.details['tooLong'] === true
