import { createHash, timingSafeEqual } from 'node:crypto'
import { ADMIN_TRIES_PER_MINUTE, type Clock, Failure } from '../protocol/index.ts'

const MINUTE_MS = 60_000
/** Addresses whose wrong tries are counted apart; beyond it the minute is over for all others. */
const ADDRESSES_MAX = 1024

/** Lets through who shows the admin token. @throws {Failure} `not-permitted`; `busy` after too many wrong tokens */
export type AdminGate = (authorization: string | undefined, address: string) => void

/**
 * Compares in constant time, and counts wrong tokens by address: after ten in a minute even the right one waits,
 * so that guessing tells nothing. A request without a token is no try: anybody's web page can send one.
 */
export function createAdminGate(token: string | undefined, clock: Pick<Clock, 'elapsed'>): AdminGate {
  const expected = token === undefined ? undefined : digest(token)
  const wrong = new Map<string, number>()
  let minute = Number.NEGATIVE_INFINITY
  return (authorization, address) => {
    const now = clock.elapsed()
    if (now - minute >= MINUTE_MS) {
      wrong.clear()
      minute = now
    }
    const tries = wrong.get(address) ?? (wrong.size < ADDRESSES_MAX ? 0 : ADMIN_TRIES_PER_MINUTE)
    if (tries >= ADMIN_TRIES_PER_MINUTE)
      throw new Failure('busy', {}, { note: 'too many wrong admin tokens; wait a minute' })
    const shown = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1]
    if (shown === undefined) throw new Failure('not-permitted')
    if (expected !== undefined && timingSafeEqual(digest(shown), expected)) return
    wrong.set(address, tries + 1)
    throw new Failure('not-permitted')
  }
}

/** Digests have one length, so the comparison tells nothing of the length of the token. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
