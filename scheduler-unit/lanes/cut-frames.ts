import { FRAME_ASSIGNMENTS_MAX, FRAME_SIZE_BYTES } from '../../protocol/index.ts'

/** Bytes of an assignment around its envelope, at most. */
const ASSIGNMENT_OVERHEAD_BYTES = 10

/**
 * Cuts what waits into frames: consecutive, none above the size bound unless it holds one message alone,
 * none above the count bound.
 */
export function cutFrames<Entry extends { readonly sizeBytes: number }>(entries: readonly Entry[]): Entry[][] {
  const frames: Entry[][] = []
  let current: Entry[] = []
  let size = 0
  for (const entry of entries) {
    const added = entry.sizeBytes + ASSIGNMENT_OVERHEAD_BYTES
    const full = current.length >= FRAME_ASSIGNMENTS_MAX || size + added > FRAME_SIZE_BYTES
    if (full && current.length > 0) {
      frames.push(current)
      current = []
      size = 0
    }
    current.push(entry)
    size += added
  }
  if (current.length > 0) frames.push(current)
  return frames
}
