import { z } from 'zod'
import { KeyId } from '../ids.ts'
import { named, type ValueOf } from '../codec/wire.ts'

export const PeerView = named(
  'Peer',
  'Another node, as this one sees it.',
  z.object({
    /** Absent while an address has not answered. */
    key: KeyId.optional(),
    peerId: z.string().optional(),
    addresses: z.array(z.string()),
    /** `linked`: it can be asked; `banned`: cut for a while; `blocked`: by whoever runs this node. */
    state: z.enum(['linked', 'connected', 'dialling', 'banned', 'blocked']),
    /** Who connected to whom. */
    direction: z.enum(['inbound', 'outbound']).optional(),
    connectedMs: z.int().nonnegative().optional(),
    /** A connection to it is kept. */
    kept: z.boolean(),
    /** What it did wrong, lately: at 100 it is cut. */
    offences: z.int().nonnegative(),
  }),
)
export type PeerView = ValueOf<typeof PeerView>
