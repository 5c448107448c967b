import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { EffectOffer } from '../../messenger-unit/index.ts'
import {
  asModuleId,
  type Effect,
  EffectFailed,
  emptyCanisterModule,
  type Log,
  MalformedBytes,
  principalFromText,
  readEffectInput,
} from '../../protocol/index.ts'
import type { Learning } from './learning.ts'

/** Processes by their principals, and their modules, here or elsewhere. */
type KnownCanisters = Pick<Learning, 'canister' | 'learnModule'>

const RANDOM_MAX_BYTES = 1_024
const RandomInput = z.strictObject({ length: z.int().min(1).max(RANDOM_MAX_BYTES) })
const Input = z.strictObject({ principal: z.string().max(64) })

/** Canisters that begin without code are of a module that every node knows. */
export async function knowEmptyCanister({ directory }: Log): Promise<void> {
  const module = emptyCanisterModule()
  if ((await directory.module(asModuleId(module.id))) === undefined) await directory.addModule(module)
}

/** What every node does for canisters, beside what its operator offers. */
export function withCanisterEffects(offer: EffectOffer, known: KnownCanisters): EffectOffer {
  return { ...offer, effects: { 'canister.find': findCanister(known), 'random.bytes': drawBytes, ...offer.effects } }
}

/** The effect `canister.find`: the process of a principal, and what kind it is. The answer proves itself. */
function findCanister({ canister, learnModule }: KnownCanisters): Effect {
  return async input => {
    const { principal } = readEffectInput(Input, input)
    const process = await canister(bytesOf(principal))
    if (process === undefined) return { process: null }
    return { process: process.id, format: (await learnModule(process.module))?.format ?? '' }
  }
}

/** The effect `random.bytes`: nobody knows them before they stand in the feed of whoever asked. */
const drawBytes: Effect = async input => {
  const { length } = readEffectInput(RandomInput, input)
  return { base64: randomBytes(length).toString('base64') }
}

function bytesOf(principal: string): Uint8Array {
  try {
    return principalFromText(principal)
  } catch (cause) {
    if (cause instanceof MalformedBytes) throw new EffectFailed('effect-bad-input', cause.message, { cause })
    throw cause
  }
}
