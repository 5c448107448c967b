import { type Directory, type Effect, EffectFailed, findByPrincipal, MalformedBytes, principalFromText, readEffectInput } from '../protocol/index.ts'
import { z } from 'zod'

const Input = z.strictObject({ principal: z.string().max(64) })

/** The effect `canister.find`: the process of a principal, and what kind it is. The answer proves itself. */
export function findCanister(directory: Pick<Directory, 'processes' | 'module'>): Effect {
  return async input => {
    const { principal } = readEffectInput(Input, input)
    const process = await findByPrincipal(directory, bytesOf(principal))
    if (process === undefined) return { process: null }
    return { process: process.id, format: (await directory.module(process.module))?.format ?? '' }
  }
}

function bytesOf(principal: string): Uint8Array {
  try {
    return principalFromText(principal)
  } catch (cause) {
    if (cause instanceof MalformedBytes) throw new EffectFailed('effect-bad-input', cause.message, { cause })
    throw cause
  }
}
