// Moves messages about, for benchmarks and storm tests. Actions:
// - Start (Peer, Rounds if it should end): sends the first Ping to Peer.
// - Ping (Rounds): answers its sender with a Ping, until Rounds is used up; without Rounds, for ever.
// - Fan-Out (Count, Peer…): sends Count notes (1 if absent) to each Peer.
// - Echo: gives its data back as output, and as an Echo-Response to a process.
// - Note: does nothing.

import {
  answer,
  data,
  fail,
  firstTag,
  from,
  fromProcess,
  kind,
  KIND_SPAWN,
  nextTag,
  Outgoing,
  output,
  required,
  tag,
  tagName,
  tagValue,
  to,
} from './atoll'
import { numberOf } from './text'

export { inbox } from './atoll'

export function handle(length: i32): i32 {
  if (kind() == KIND_SPAWN) return 0
  const action = tag('Action')
  if (action == 'Ping') ping(from(), fromProcess())
  else if (action == 'Start') ping(required('Peer'), true)
  else if (action == 'Fan-Out') fanOut()
  else if (action == 'Echo') echo()
  else if (action != 'Note') fail('Unknown Action')
  return 0
}

function ping(peer: string, toProcess: bool): void {
  if (!toProcess) {
    output('Pong')
    return
  }
  const rounds = tag('Rounds')
  if (rounds == null) {
    new Outgoing(peer).tag('Action', 'Ping').send('')
    return
  }
  const left = numberOf(rounds, 9)
  if (left > 0)
    new Outgoing(peer)
      .tag('Action', 'Ping')
      .tag('Rounds', (left - 1).toString())
      .send('')
}

function fanOut(): void {
  const text = tag('Count')
  const count: i64 = text == null ? 1 : numberOf(text, 9)
  for (let at = firstTag(); at != 0; at = nextTag(at)) {
    if (tagName(at) != 'Peer') continue
    for (let i: i64 = 0; i < count; i++) to(tagValue(at)).tag('Action', 'Note').send(i.toString())
  }
}

function echo(): void {
  const text = data()
  output(text)
  if (fromProcess()) answer().tag('Action', 'Echo-Response').send(text)
}
