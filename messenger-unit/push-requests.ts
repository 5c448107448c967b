import {
  type Commitment,
  type Computer,
  Failure,
  type Push,
  type ScheduleAnswer,
  type ScheduleRequest,
} from '../protocol/index.ts'

/** A push for which the scheduler vouches; `after`: what it comes from, if that is not durable yet. */
export const vouchedRequest = (push: Push, after?: Commitment): ScheduleRequest => ({
  process: push.core.to,
  envelope: { kind: 'push', push, proof: undefined },
  after: after?.state === 'durable' ? undefined : after,
})

/** Pushes of one pair with what proves them; those of one slot are proven together. */
export async function provenRequests(
  computer: Pick<Computer, 'proveOutbox'>,
  window: readonly Push[],
): Promise<ScheduleRequest[]> {
  const requests: ScheduleRequest[] = []
  for (let i = 0; i < window.length; ) {
    const slot = window[i]?.core.slot ?? 0
    let end = i
    while (end < window.length && window[end]?.core.slot === slot) end += 1
    const pushes = window.slice(i, end)
    const { from } = pushes[0]?.core ?? { from: undefined }
    if (from === undefined) break
    const proofs = await computer.proveOutbox(
      from,
      slot,
      pushes.map(push => push.core.index),
    )
    for (const [j, push] of pushes.entries()) {
      const proof = proofs[j]
      if (proof !== undefined) requests.push({ process: push.core.to, envelope: { kind: 'push', push, proof } })
    }
    i = end
  }
  return requests
}

/** Why a push must be handed over again, if it must. */
export function failureOf(answer: ScheduleAnswer): Failure | undefined {
  switch (answer.status) {
    case 'scheduled':
    case 'known':
    case 'duplicate':
      return undefined
    case 'gap':
      return new Failure('busy', { expectedSeq: answer.expectedSeq })
    case 'failed':
      return answer.failure
  }
}
