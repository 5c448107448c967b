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

/** Pushes of one pair with what proves them; those of one slot are proven together, and all slots at once: what is looked up shares its reads. */
export async function provenRequests(
  computer: Pick<Computer, 'proveOutbox'>,
  window: readonly Push[],
): Promise<ScheduleRequest[]> {
  const slots: Push[][] = []
  for (const push of window) {
    const last = slots.at(-1)
    if (last?.[0]?.core.slot === push.core.slot) last.push(push)
    else slots.push([push])
  }
  const proven = await Promise.all(slots.map(pushes => provenOfSlot(computer, pushes)))
  return proven.flat()
}

async function provenOfSlot(
  computer: Pick<Computer, 'proveOutbox'>,
  pushes: readonly Push[],
): Promise<ScheduleRequest[]> {
  const [first] = pushes
  if (first === undefined) return []
  const { from, slot } = first.core
  const proofs = await computer.proveOutbox(
    from,
    slot,
    pushes.map(push => push.core.index),
  )
  return pushes.flatMap((push, at) => {
    const proof = proofs[at]
    return proof === undefined ? [] : [{ process: push.core.to, envelope: { kind: 'push', push, proof } }]
  })
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
