import { createHash } from 'node:crypto'
import type { Ending, Guest, GuestContext, GuestFactory, GuestMessage, GuestSnapshot } from '../../../protocol/index.ts'
import { GAS, processOf, recorder, type Recorded } from './fixtures.ts'

/** A hash of everything a guest is: size, globals and all of memory. */
export function stateOf(guest: Guest): string {
  const hash = createHash('sha256').update(`${guest.pages}`).update(guest.engine())
  for (let index = 0; index < guest.pages * 16; index++) hash.update(guest.chunk(index))
  return hash.digest('hex')
}

/** A guest with what a compute unit keeps beside it. */
export class Held {
  readonly guest: Guest
  readonly changed: Set<number>

  constructor(factory: GuestFactory, snapshot?: GuestSnapshot) {
    this.guest = factory.open(processOf(), snapshot)
    this.changed = new Set(snapshot?.chunks.keys())
  }

  /** Runs a message: kept if it ended well, else undone. */
  step(message: GuestMessage, gas = GAS): { ending: Ending; context: GuestContext & Recorded } {
    const context = recorder()
    const ending = this.guest.run(message, context, gas)
    if (ending.status === 'ok' && message.kind !== 'query') this.guest.keep()
    else this.guest.discard()
    for (const index of this.guest.takeChanged()) this.changed.add(index)
    return { ending, context }
  }

  snapshot(): GuestSnapshot {
    const chunks = new Map([...this.changed].map(index => [index, this.guest.chunk(index).slice()] as const))
    return { pages: this.guest.pages, chunks, engine: this.guest.engine() }
  }
}
