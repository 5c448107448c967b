import { z } from 'zod'
import { FollowedFeedView } from './feed-views.ts'
import { ProcessId } from '../ids.ts'
import { JSON_BODY_MAX_BYTES } from '../limits/limits.ts'
import type { OperationRow } from './operation.ts'
import { adminRead, adminWrite, json } from './operation-shapes.ts'
import { PeerView } from './peer-views.ts'
import { AdminStatusView } from './views.ts'

/** A key, or a peer id as libp2p writes it. */
const peer = z.strictObject({ peer: z.string().min(1).max(128) })

const process = z.strictObject({ process: ProcessId })

/** Rows of the table of operations that only those who run a node may ask for. */
export const ADMIN_OPERATIONS = {
  adminStatus: {
    ...adminRead,
    path: '/v1/admin/status',
    summary: 'Facts about the node for those who run it',
    answer: json(AdminStatusView),
  },
  adminCheckpoint: {
    ...adminWrite,
    path: '/v1/admin/checkpoint',
    query: z.strictObject({ process: ProcessId.optional() }),
    summary: 'Write checkpoints now, of one process or of all in memory',
    answer: json(z.object({ checkpoints: z.int().nonnegative() })),
  },
  adminBackup: {
    ...adminWrite,
    path: '/v1/admin/backup',
    summary: 'Copy the data folder, keys included, into a new folder on the machine of the node',
    body: {
      kind: 'json',
      schema: z.strictObject({ folder: z.string().min(1).max(4096) }),
      limitBytes: JSON_BODY_MAX_BYTES,
    },
    answer: json(z.object({ folder: z.string(), ms: z.int().nonnegative() })),
  },
  listPeers: {
    ...adminRead,
    path: '/v1/admin/peers',
    summary: 'Nodes that this one is connected to, dials, or does not speak to',
    answer: json(z.object({ peers: z.array(PeerView) })),
  },
  addPeer: {
    ...adminWrite,
    path: '/v1/admin/peers',
    summary: 'Keep a connection to the node at an address, until this one ends',
    body: {
      kind: 'json',
      schema: z.strictObject({ address: z.string().min(1).max(512) }),
      limitBytes: JSON_BODY_MAX_BYTES,
    },
    answer: json(z.object({ added: z.literal(true) })),
  },
  pingPeer: {
    ...adminWrite,
    path: '/v1/admin/peers/{peer}/ping',
    params: peer,
    summary: 'How long an echo takes to come back',
    answer: json(z.object({ ms: z.number().nonnegative() })),
  },
  blockPeer: {
    ...adminWrite,
    path: '/v1/admin/peers/{peer}/block',
    params: peer,
    summary: 'Speak to a node no more, not after a restart either',
    answer: json(z.object({ blocked: z.literal(true) })),
  },
  unblockPeer: {
    ...adminWrite,
    path: '/v1/admin/peers/{peer}/unblock',
    params: peer,
    summary: 'Speak to a node again, whatever it did',
    answer: json(z.object({ blocked: z.literal(false) })),
  },
  listFeeds: {
    ...adminRead,
    path: '/v1/admin/feeds',
    summary: 'Feeds of processes elsewhere that are taken over here',
    answer: json(z.object({ feeds: z.array(FollowedFeedView) })),
  },
  seedFeed: {
    ...adminWrite,
    path: '/v1/admin/feeds/{process}/seed',
    params: process,
    summary: 'Take over the feed of a process from now on, evaluate it and give it on, after a restart too',
    answer: json(z.object({ seeded: z.literal(true) })),
  },
  unseedFeed: {
    ...adminWrite,
    path: '/v1/admin/feeds/{process}/unseed',
    params: process,
    summary: 'Take it over no longer, unless the process names this node; what is here stays',
    answer: json(z.object({ seeded: z.literal(false) })),
  },
  adminShutdown: {
    ...adminWrite,
    path: '/v1/admin/shutdown',
    summary: 'Drain and stop the node',
    answer: json(z.object({ stopping: z.literal(true) })),
  },
} as const satisfies Record<string, OperationRow>
