import { fromUtf8 } from '../../protocol/index.ts'

/** Ends a run from inside a host call: deterministic, part of the result. */
export class GuestStop extends Error {
  override readonly name = 'GuestStop'
  /** One of the stable words of a result's error. */
  readonly code: 'abort' | 'bad-call' | 'out-of-gas' | 'outbox-limit'

  constructor(code: GuestStop['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** The guest broke a rule of a host call: treated like a trap. */
export function badCall(call: string, rule: string): GuestStop {
  return new GuestStop('bad-call', `${call}: ${rule}`)
}

/** Reads well-formed text or stops the guest. */
export function textOf(bytes: Uint8Array, call: string): string {
  try {
    return fromUtf8(bytes)
  } catch {
    throw badCall(call, 'text is not UTF-8')
  }
}
