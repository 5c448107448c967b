import { slot } from './slot.ts'

/** The last date that JavaScript knows. */
export const LATEST_MS = 8.64e15

/** The time after so many milliseconds, or the last there is. */
export const msFromNow = (ms: number): number => Math.min(slot.nowMs + ms, LATEST_MS)
