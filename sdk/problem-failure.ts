import { Failure, type FailureCode, FAILURES, type FailureDetails, ProblemView } from '../protocol/index.ts'

/** The failure that a problem document tells of: same code, details and words, with its chain of causes. */
export function failureOfProblem(problem: ProblemView): Failure {
  const { code, details, detail, causes } = problem
  let cause: Error | undefined
  for (const text of causes.toReversed()) cause = new Error(text, cause && { cause })
  const note = noteIn(code, details, detail)
  return new Failure(code, details, { cause, ...(note === undefined ? {} : { note }) })
}

/** The failure that an answer with an error status tells of; `unreachable` if what answers is no node of ours. */
export function failureOfAnswer(status: number, body: unknown): Failure {
  const problem = ProblemView.safeParse(body)
  if (problem.success) return failureOfProblem(problem.data)
  return new Failure('unreachable', { status }, { note: 'what answers there is no Atoll node of this version' })
}

/** The note stands in the detail, between title and facts. */
function noteIn(code: FailureCode, details: FailureDetails, detail: string): string | undefined {
  const { title } = FAILURES[code]
  if (!detail.startsWith(`${title} (`) || !detail.endsWith(')')) return undefined
  const inner = detail.slice(title.length + 2, -1)
  const facts = Object.entries(details)
    .map(([name, value]) => `${name}: ${String(value)}`)
    .join(', ')
  if (facts === '') return inner
  return inner.endsWith(`; ${facts}`) ? inner.slice(0, -facts.length - 2) : undefined
}
