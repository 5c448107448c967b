/** The few members of @permaweb/aoconnect that the comparison uses, and a throwaway wallet. */

import { generateKeyPairSync } from 'node:crypto'
import { peerPackage } from './program.ts'

export interface Tag {
  readonly name: string
  readonly value: string
}

export interface Result {
  readonly Messages?: readonly { readonly Data?: string }[]
  readonly Output?: unknown
  readonly Error?: unknown
  readonly error?: unknown
}

type Signer = (...args: readonly unknown[]) => unknown

export interface ToSend {
  readonly process: string
  readonly data: string
  readonly tags: readonly Tag[]
  readonly signer: Signer
}

export interface AoClient {
  spawn(process: {
    readonly module: string
    readonly scheduler: string
    readonly signer: Signer
    readonly tags: readonly Tag[]
  }): Promise<string>
  message(message: ToSend): Promise<string>
  signMessage(message: ToSend): Promise<unknown>
  result(query: { readonly process: string; readonly message: string }): Promise<Result>
  dryrun(message: { readonly process: string; readonly tags: readonly Tag[] }): Promise<Result>
}

interface Aoconnect {
  connect(options: {
    readonly MODE: 'legacy'
    readonly noLog: boolean
    readonly MU_URL?: string
    readonly CU_URL?: string
    readonly GATEWAY_URL?: string
  }): AoClient
  createDataItemSigner(wallet: unknown): Signer
}

interface Urls {
  readonly MU_URL: string
  readonly CU_URL: string
  readonly GATEWAY_URL: string
}

const RSA_BITS = 4096
const RSA_EXPONENT = 65_537

export function openAoconnect(urls?: Urls): { client: AoClient; signer: Signer } {
  const aoconnect = peerPackage<Aoconnect>('@permaweb/aoconnect')
  const keys = generateKeyPairSync('rsa', {
    modulusLength: RSA_BITS,
    publicExponent: RSA_EXPONENT,
  })
  const signer = aoconnect.createDataItemSigner(keys.privateKey.export({ format: 'jwk' }))
  const where = urls && {
    MU_URL: urls.MU_URL,
    CU_URL: urls.CU_URL,
    GATEWAY_URL: urls.GATEWAY_URL,
  }
  return { client: aoconnect.connect({ MODE: 'legacy', noLog: true, ...where }), signer }
}

/** Wall times in milliseconds of signing messages one after the other. */
export async function signingTimesMs(client: AoClient, signer: Signer, count: number): Promise<number[]> {
  const timesMs: number[] = []
  const tags = [{ name: 'Action', value: 'Inc' }]
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    await client.signMessage({ process: 'p'.repeat(43), data: String(i), tags, signer })
    timesMs.push(performance.now() - start)
  }
  return timesMs
}
