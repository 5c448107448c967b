import { z } from 'zod'
import type { PeerOptions } from './peer-child.ts'
import { askPeer } from './peer-child.ts'

const VerifyFigures = z.object({
  messageBytes: z.number(),
  verifications: z.number(),
  /** CPU time of one sodium-native crypto_sign_verify_detached, median of several batches. */
  cpuUsPerVerify: z.number(),
  wallUsPerVerify: z.number(),
})

export type VerifyFigures = z.infer<typeof VerifyFigures>

/** The yardstick: one Ed25519 verification of a small message on this machine, each time of another one. */
export async function measureVerify(options: PeerOptions = {}): Promise<VerifyFigures> {
  const input = { messageBytes: 256, batches: 5, batchSize: options.quick ? 500 : 5_000 }
  return await askPeer('verify', input, VerifyFigures, options)
}
