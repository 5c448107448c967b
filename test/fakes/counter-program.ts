import {
  asMessageId,
  encodeProcessOutput,
  fromUtf8,
  type ProcessOutput,
  type SettledMessage,
} from '../../protocol/index.ts'
import type { Program, ProgramInput } from './fake-units.ts'

/** Added, it is not answered before the next `reset`, which adds it and settles it. */
export const LATER = 13
/** Added, it is not answered before the next `reset`, which refuses it. */
export const LATER_REFUSED = 14
/** Added, it is refused at once. */
export const REFUSED = 666
/** Added, it is answered with what is no number. */
export const ANSWERED_BADLY = 777

/** A process that keeps the contract `Counter`, in forty lines; it answers some additions late, wrongly or not at all. */
export function counterProgram(): Program {
  let total = 0
  let waiting: { readonly id: string; readonly by: number }[] = []
  const changed = (): ProcessOutput['events'] => [{ name: 'changed', data: { total } }]

  const add = (id: string, by: number): ProcessOutput => {
    if (by === REFUSED) throw { code: 'too-much', message: 'that is too much counter.process.ts:3:7' }
    if (by === ANSWERED_BADLY) return { reply: 'much' }
    if (by === LATER || by === LATER_REFUSED) {
      waiting.push({ id, by })
      return { pending: true }
    }
    total += by
    return { reply: total, events: changed() }
  }
  const reset = (): ProcessOutput => {
    total = 0
    const settled = waiting.map(({ id, by }): SettledMessage => {
      const message = asMessageId(id)
      return by === LATER
        ? { message, reply: (total += by) }
        : { message, error: { code: 'too-late', message: 'gone' } }
    })
    waiting = []
    return { settled, events: changed() }
  }
  const answer = ({ kind, id, action, data }: ProgramInput): ProcessOutput => {
    const input = data.length === 0 ? undefined : JSON.parse(fromUtf8(data))
    if (kind === 'spawn') {
      total = input.start ?? 0
      return {}
    }
    if (kind === 'message' && action === 'add') return add(id, input.by)
    if (kind === 'message' && action === 'reset') return reset()
    if (kind === 'query' && action === 'total') return { reply: total }
    if (kind === 'query' && action === 'above') return { reply: total > input.limit }
    if (kind === 'query' && action === '@state') return { reply: { total } }
    throw { code: 'unknown-action', message: `no ${action}` }
  }
  return input => encodeProcessOutput(answer(input))
}
