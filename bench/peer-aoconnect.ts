import { z } from 'zod'
import type { PeerOptions } from './peer-child.ts'
import { askPeer } from './peer-child.ts'
import { installPeers } from './peer-install.ts'

/** Where aoconnect (0.0.98, legacy mode) finds the units, and what it spawns there. */
export interface AoconnectUrls {
  readonly MU_URL: string
  readonly CU_URL: string
  readonly GATEWAY_URL: string
  /** Address of the scheduler, for the Scheduler tag. */
  readonly scheduler: string
  /** Address of the messenger unit's wallet: only what it signs is trusted between processes. */
  readonly authority: string
  /** Id of an aos 2 module that the gateway knows. */
  readonly module: string
}

export interface AoconnectOptions extends PeerOptions {
  /** Sequential message + result pairs that are timed. */
  readonly messages?: number
  /** Hops A→B→A… of the chain that is timed; made even. */
  readonly hops?: number
  /** The processes of the server on this machine: their CPU time is reported when given. */
  readonly serverPids?: readonly number[]
  readonly timeoutMs?: number
}

const AoconnectFigures = z.object({
  spawnMs: z.number(),
  messages: z.number(),
  /** `message` until the reply is read by `result`, one at a time, client's signing included. */
  messageResultMedianMs: z.number(),
  messageResultP90Ms: z.number(),
  sequentialMessagesPerSecond: z.number(),
  /** The same with this many in flight; null, with the reason, if messages failed or got lost. */
  inFlight: z.number(),
  inFlightMessagesPerSecond: z.number().nullable(),
  inFlightFailure: z.string().nullable(),
  clientCpuMsPerMessage: z.number(),
  serverCpuMsPerMessage: z.number().nullable(),
  /** The client's own `signMessage` with RSA-4096, nothing sent. */
  signingMedianMs: z.number(),
  hops: z.number(),
  /** From the message timestamps of the first and the last hop. */
  hopsPerSecond: z.number(),
  /** The same chain on the client's clock, with its polling: an upper bound. */
  hopsWallMs: z.number(),
  serverCpuMsPerHop: z.number().nullable(),
})

export type AoconnectFigures = z.infer<typeof AoconnectFigures>

const SigningFigures = z.object({
  signatures: z.number(),
  medianMs: z.number(),
  cpuMsPerSignature: z.number(),
})

export type SigningFigures = z.infer<typeof SigningFigures>

const DEFAULT_TIMEOUT_MS = 300_000

/** Drives any AO network with unmodified aoconnect in a process of its own. */
export async function measureAoconnect(urls: AoconnectUrls, options: AoconnectOptions = {}): Promise<AoconnectFigures> {
  await installPeers(options)
  const input = {
    urls,
    messages: options.messages ?? (options.quick ? 6 : 30),
    hops: options.hops ?? (options.quick ? 8 : 40),
    serverPids: options.serverPids ?? [],
  }
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  return await askPeer('aoconnect-client', input, AoconnectFigures, { ...options, timeoutMs })
}

/** What aoconnect itself needs to build and sign one message with an RSA-4096 key. */
export async function measureClientSigning(options: PeerOptions = {}): Promise<SigningFigures> {
  await installPeers(options)
  const input = { signatures: options.quick ? 20 : 200 }
  return await askPeer('client-signing', input, SigningFigures, options)
}
