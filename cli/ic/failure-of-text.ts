import { Failure, type FailureCode, FAILURES } from '../../protocol/index.ts'

const CODES = Object.keys(FAILURES) as FailureCode[]
const TEXT_MAX_CHARACTERS = 300

/**
 * The failure that a refusal of the IC's interface tells of. It is told in words, for the IC's clients show them as they are; those of a node of
 * ours begin with the title of a failure of that status.
 */
export function failureOfText(status: number, text: string): Failure {
  const told = text.slice(0, TEXT_MAX_CHARACTERS)
  const code = CODES.find(one => FAILURES[one].status === status && told.startsWith(FAILURES[one].title))
  if (code === undefined)
    return new Failure(status < 500 ? 'malformed-request' : 'unreachable', { status }, { note: told })
  const note = told.slice(FAILURES[code].title.length).replace(/^ \(|\)$/g, '')
  return new Failure(code, {}, note === '' ? {} : { note })
}
