/**
 * A branch of a bank, for the library of `processes/standard/assembly`. Actions:
 * - Transfer (To, Quantity), from anybody: takes Quantity from here and sends it to the branch To.
 * - Deposit (Quantity, Nth), from a branch: the Nth that this branch sent here, counted from 0.
 * Whatever is wrong is noted in the cell `wrong`.
 */
export const BRANCH = `
import { addNumber, from, fromProcess, getNumber, kind, KIND_SPAWN, output, Outgoing, required, setText, tag } from './atoll'
import { numberOf } from './text'

export { inbox } from './atoll'

export function handle(length: i32): i32 {
  if (kind() == KIND_SPAWN) {
    addNumber('balance', 1000000)
    return 0
  }
  const action = tag('Action')
  const quantity = numberOf(required('Quantity'), 9)
  if (action == 'Transfer') {
    const to = required('To')
    const nth = getNumber('sent/' + to)
    addNumber('balance', -quantity)
    addNumber('sent/' + to, 1)
    new Outgoing(to).tag('Action', 'Deposit').tag('Quantity', quantity.toString()).tag('Nth', nth.toString()).send('')
  } else if (action == 'Deposit' && fromProcess()) {
    const expected = getNumber('taken/' + from())
    const nth = required('Nth')
    if (nth != expected.toString()) setText('wrong', 'expected ' + expected.toString() + ', got ' + nth)
    addNumber('taken/' + from(), 1)
    addNumber('balance', quantity)
  } else setText('wrong', 'a message of another kind')
  output(getNumber('balance').toString())
  return 0
}
`
