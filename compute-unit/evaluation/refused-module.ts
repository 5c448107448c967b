import type { Ending, Guest, GuestFactory } from '../../protocol/index.ts'

const NO_BYTES = new Uint8Array(0)

/** Stands for a module that breaks a rule: every slot of its processes ends in the same error, on every compute unit. */
export function refusedModule(reason: string): GuestFactory {
  const ending: Ending = { status: 'error', gas: 0n, error: { code: 'module-refused', message: reason } }
  const guest: Guest = {
    run: () => ending,
    keep: () => undefined,
    discard: () => undefined,
    pages: 0,
    takeChanged: () => [],
    chunk: () => NO_BYTES,
    engine: () => NO_BYTES,
    sizeBytes: 0,
    close: () => undefined,
  }
  return { image: { pages: 0, chunks: new Map(), engine: NO_BYTES }, open: () => guest, close: () => undefined }
}
