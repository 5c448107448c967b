import { z } from 'zod'
import { KeyId, ProcessId } from '../ids.ts'
import { named, type ValueOf } from '../codec/wire.ts'

export const FollowedFeedView = named(
  'FollowedFeed',
  'A message feed of a process that is scheduled elsewhere, as it is taken over here.',
  z.object({
    process: ProcessId,
    /** The key of its Hypercore, in hexadecimal. */
    key: z.string().regex(/^[0-9a-f]{64}$/),
    /** `unit`: the process names this node as compute unit; `seed`: this node was told to. */
    why: z.enum(['unit', 'seed']),
    /** Blocks that are here. */
    blocks: z.int().nonnegative(),
    /** The node it comes from now; absent while none is reached. */
    source: KeyId.optional(),
  }),
)
export type FollowedFeedView = ValueOf<typeof FollowedFeedView>
