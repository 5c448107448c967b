/**
 * From where canister code is entered, as the IC interface specification letters it. Each is one bit, so that a system
 * call checks where it may be made with one `and`.
 */
export const MODES = {
  /** canister_init, canister_post_upgrade */
  I: 1 << 0,
  /** canister_pre_upgrade */
  G: 1 << 1,
  U: 1 << 2,
  /** A query in replicated mode: as an update, or for another canister. */
  RQ: 1 << 3,
  NRQ: 1 << 4,
  /** A query that transforms what came of an HTTP request. */
  TQ: 1 << 5,
  /** A composite query. */
  CQ: 1 << 6,
  /** Callbacks of a reply and of a reject. */
  Ry: 1 << 7,
  Rt: 1 << 8,
  CRy: 1 << 9,
  CRt: 1 << 10,
  /** Cleanup callbacks. */
  C: 1 << 11,
  CC: 1 << 12,
  /** The start function. */
  s: 1 << 13,
  /** canister_inspect_message */
  F: 1 << 14,
  /** Heartbeat, global timer, low memory. */
  T: 1 << 15,
} as const

export type ModeName = keyof typeof MODES

/** Everywhere but in the start function. */
const EVERYWHERE = 0xffff & ~MODES.s

/** `U RQ Ry`, `*`, `* s` as bits. */
export function modesOf(text: string): number {
  let bits = 0
  for (const name of text.split(' ')) bits |= name === '*' ? EVERYWHERE : MODES[name as ModeName]
  return bits
}

/** Modes that run on what everybody agrees on. */
export const REPLICATED = modesOf('I G U RQ TQ Ry Rt C s T')

/** The name of one mode, for messages. */
export function modeName(mode: number): string {
  return Object.entries(MODES).find(([, bit]) => bit === mode)?.[0] ?? '?'
}
