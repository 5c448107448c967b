import { expect, it } from 'vitest'
import { failureOfText } from '../../cli/ic/failure-of-text.ts'
import { Failure, FAILURES } from '../../protocol/index.ts'

it.each(['host-fault', 'unknown-process', 'busy', 'malformed-request'] as const)(
  '%s is told by its own code where the interface of the IC tells it in words',
  code => {
    const { status, title } = FAILURES[code]
    expect(failureOfText(status, title)).toMatchObject({ code, message: title })
    const told = new Failure(code, {}, { note: 'why (it is so)' })
    expect(failureOfText(status, told.message)).toMatchObject({ code, message: told.message })
  },
)

it('what is said in other words is told with its status', () => {
  expect(failureOfText(405, 'Use POST.')).toMatchObject({ code: 'malformed-request', details: { status: 405 } })
  expect(failureOfText(502, '<html>')).toMatchObject({ code: 'unreachable', details: { status: 502 } })
})
