import { Buffer } from 'node:buffer'
import type { GuestContext, Tag } from '../../protocol/index.ts'
import { AGENT_GAS } from './gas.ts'

/** What a run asks for, as the program inside writes it. */
export interface Effects {
  readonly sends?: readonly (readonly [
    isSpawn: 0 | 1,
    to: string,
    tags: readonly string[],
    data: string,
  ])[]
  readonly timers?: readonly (readonly [key: string, dueMs?: number, everyMs?: number])[]
  readonly failure?: readonly [
    step: number,
    code: string,
    message: string,
    stack: string,
    isFinal: boolean,
  ]
}

/** What came of a run that came back. */
export interface Sealed {
  readonly effects: Effects
  readonly output: Uint8Array
}

const NO_EFFECTS: Effects = {}
const LINE_FEED = 10

/** Takes effects and output apart: JSON or nothing, a line feed, the output. */
export function readSealed(sealed: Buffer): Sealed {
  const end = sealed.indexOf(LINE_FEED)
  const effects = end <= 0 ? NO_EFFECTS : (JSON.parse(sealed.toString('utf8', 0, end)) as Effects)
  return { effects, output: Uint8Array.prototype.slice.call(sealed, end + 1) }
}

/** Gas of carrying the effects out. */
export function gasOf({ effects, output }: Sealed): number {
  let gas = AGENT_GAS.outputByte * output.length
  for (const [isSpawn, , tags, data] of effects.sends ?? []) {
    let bytes = Buffer.byteLength(data)
    for (const text of tags) bytes += Buffer.byteLength(text)
    gas += (isSpawn === 1 ? AGENT_GAS.spawn : AGENT_GAS.send) + AGENT_GAS.sendByte * bytes
  }
  return gas + AGENT_GAS.timer * (effects.timers?.length ?? 0)
}

/** Carries effects out, in their order. */
export function applyEffects({ sends = [], timers = [] }: Effects, context: GuestContext): void {
  for (const [isSpawn, to, flat, text] of sends) {
    const tags: Tag[] = []
    for (let at = 0; at < flat.length; at += 2)
      tags.push({ name: flat[at] ?? '', value: flat[at + 1] ?? '' })
    const data = new Uint8Array(Buffer.from(text))
    if (isSpawn === 1) context.spawn({ module: to, tags, data })
    else context.send({ to, tags, data })
  }
  for (const [key, dueMs, everyMs] of timers) {
    if (dueMs === undefined) context.clearTimer(key)
    else context.setTimer(key, dueMs, everyMs)
  }
}
