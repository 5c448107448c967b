import { Failure, type ScheduleAnswer } from '../../protocol/index.ts'

/** A seat in the feed, or why there is none; in an object, so that waiting for the one is not waiting for the other. */
export interface Seat {
  /** Never rejects. */
  readonly answer: Promise<ScheduleAnswer> | ScheduleAnswer
}

/**
 * What becomes of a message that waits for its slot. Of the thousands that wait at a time hardly any is waited for by itself:
 * a promise is made only for those who ask before it is known.
 */
export class Outcome implements Seat {
  #answer: ScheduleAnswer | undefined
  #promise: Promise<ScheduleAnswer> | undefined
  #tell: ((answer: ScheduleAnswer) => void) | undefined

  get answer(): Promise<ScheduleAnswer> | ScheduleAnswer {
    if (this.#answer !== undefined) return this.#answer
    this.#promise ??= new Promise(resolve => {
      this.#tell = resolve
    })
    return this.#promise
  }

  get isSettled(): boolean {
    return this.#answer !== undefined
  }

  /** Resolves once the message has its slot. @throws {Failure} why it has none */
  async seated(): Promise<void> {
    const answer = await this.answer
    if (answer.status === 'failed') throw answer.failure
  }

  settle(answer: ScheduleAnswer): void {
    this.#answer = answer
    this.#tell?.(answer)
  }
}

/** What becomes of all of them, in order. */
export async function answersOf(seats: readonly Seat[]): Promise<readonly ScheduleAnswer[]> {
  const answers: ScheduleAnswer[] = []
  for (const { answer } of seats) answers.push(answer instanceof Promise ? await answer : answer)
  return answers
}

export const failedAnswer = (error: unknown): ScheduleAnswer => ({
  status: 'failed',
  failure: Failure.from(error),
})

export const failedSeat = (error: unknown): Seat => ({ answer: failedAnswer(error) })

/** What whoever repeats a message is told. */
export async function known(first: Promise<ScheduleAnswer> | ScheduleAnswer): Promise<ScheduleAnswer> {
  const answer = await first
  return answer.status === 'scheduled' ? { ...answer, status: 'known' } : answer
}
