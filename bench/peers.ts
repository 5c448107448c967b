/** The comparison side of the benchmark: other systems, measured on this machine, in this run. */

import type { AoLoaderFigures } from './peer-ao-loader.ts'
import { measureAoLoader } from './peer-ao-loader.ts'
import type { SigningFigures } from './peer-aoconnect.ts'
import { measureClientSigning } from './peer-aoconnect.ts'
import type { PeerOptions } from './peer-child.ts'
import { progress } from './peer-child.ts'
import { installPeers } from './peer-install.ts'
import type { RestateFigures } from './peer-restate.ts'
import { measureRestate } from './peer-restate.ts'
import type { VerifyFigures } from './peer-verify.ts'
import { measureVerify } from './peer-verify.ts'
import type { AosBits, WaoFigures } from './peer-wao.ts'
import { measureWao } from './peer-wao.ts'

export type { AoLoaderFigures } from './peer-ao-loader.ts'
export { measureAoLoader } from './peer-ao-loader.ts'
export type {
  AoconnectFigures,
  AoconnectOptions,
  AoconnectUrls,
  SigningFigures,
} from './peer-aoconnect.ts'
export { measureAoconnect, measureClientSigning } from './peer-aoconnect.ts'
export type { PeerOptions } from './peer-child.ts'
export { installPeers, PEER_VERSIONS } from './peer-install.ts'
export type { RestateFigures } from './peer-restate.ts'
export { measureRestate, measureRestateCalls } from './peer-restate.ts'
export type { VerifyFigures } from './peer-verify.ts'
export { measureVerify } from './peer-verify.ts'
export type { AosBits, WaoFigures } from './peer-wao.ts'
export { measureWao } from './peer-wao.ts'

/** A peer that could not be measured is a reason instead of a figure; the others still count. */
export type Measured<T> = T | { readonly failure: string }

export interface PeerFigures {
  readonly verify: Measured<VerifyFigures>
  readonly signing: Measured<SigningFigures>
  readonly aoLoader: Measured<Record<AosBits, AoLoaderFigures>>
  readonly restate: Measured<RestateFigures>
  readonly wao: Measured<WaoFigures>
}

async function attempt<T>(
  name: string,
  measure: (options: PeerOptions) => Promise<T>,
  options: PeerOptions,
): Promise<Measured<T>> {
  options.signal?.throwIfAborted()
  progress(name)
  try {
    return await measure(options)
  } catch (error) {
    options.signal?.throwIfAborted()
    const failure = error instanceof Error ? error.message : String(error)
    progress(`${name} failed: ${failure}`)
    return { failure }
  }
}

/** Installs and measures all peers, one after the other; throws only if npm cannot install. */
export async function measurePeers(options: PeerOptions = {}): Promise<PeerFigures> {
  await installPeers(options)
  return {
    verify: await attempt('Ed25519 verification', measureVerify, options),
    signing: await attempt('client signing', measureClientSigning, options),
    aoLoader: await attempt('ao-loader', measureAoLoader, options),
    restate: await attempt('Restate', measureRestate, options),
    wao: await attempt('wao', measureWao, options),
  }
}
