// A counter. Actions: Add (Quantity, a whole number, 1 if absent), Get, Reset (the spawner only).

import {
  addNumber,
  fail,
  from,
  getNumber,
  getText,
  kind,
  KIND_SPAWN,
  output,
  remove,
  setText,
  tag,
} from './atoll'
import { numberOf } from './text'

export { inbox } from './atoll'

const COUNT = 'count'
const OWNER = 'owner'

export function handle(length: i32): i32 {
  if (kind() == KIND_SPAWN) {
    setText(OWNER, from())
    return 0
  }
  const action = tag('Action')
  if (action == 'Add') add()
  else if (action == 'Get') output(getNumber(COUNT).toString())
  else if (action == 'Reset') reset()
  else fail('Unknown Action')
  return 0
}

function add(): void {
  const quantity = tag('Quantity')
  addNumber(COUNT, quantity == null ? 1 : wholeNumber(quantity))
  output(getNumber(COUNT).toString())
}

function reset(): void {
  if (getText(OWNER) != from()) fail('Only the owner may reset')
  remove(COUNT)
  output('0')
}

/** A number of up to 18 digits with an optional minus. */
function wholeNumber(text: string): i64 {
  return text.startsWith('-') ? -numberOf(text.substring(1), 18) : numberOf(text, 18)
}
