import { type CanisterAnswer, encodeIc, leb128, toUtf8 } from '../../protocol/index.ts'
import type { CanisterFacts } from './canisters.ts'
import type { RequestState } from './requests.ts'
import { type StateLevel, type StateSource, UNTOLD } from './state-tree.ts'

const level = (entries: readonly (readonly [string, StateSource | undefined])[]): StateLevel => ({
  partial: false,
  entries: entries.flatMap(([name, below]) => (below === undefined ? [] : [[toUtf8(name), below] as const])),
})

/** What the state says of a request. */
export function requestSource(state: RequestState): StateSource {
  return state.status === 'answered' ? answerSource(state.answer) : level([['status', toUtf8(state.status)]])
}

/** What the state says of a request that has its answer. */
export function answerSource({ reply, reject }: CanisterAnswer): StateSource {
  if (reject === undefined)
    return level([
      ['reply', reply],
      ['status', toUtf8('replied')],
    ])
  return level([
    ['error_code', reject.error === '' ? undefined : toUtf8(reject.error)],
    ['reject_code', leb128(reject.code)],
    ['reject_message', toUtf8(reject.message)],
    ['status', toUtf8('rejected')],
  ])
}

/**
 * What the state says of a canister; of its metadata, the sections that were asked for. Names of sections may be anything, so that one is
 * absent is shown by the names of all.
 */
export function canisterSource(
  facts: CanisterFacts,
  metadata: ReadonlyMap<string, Uint8Array | undefined> = new Map(),
): StateSource {
  const asked = [...facts.metadata.keys()].map((name): [Uint8Array, StateSource] => [
    toUtf8(name),
    metadata.get(name) ?? UNTOLD,
  ])
  const sections: StateSource = metadata.size === 0 ? UNTOLD : { entries: asked, partial: false }
  return level([
    ['canister_creation_timestamp', leb128(facts.createdNs)],
    ['certified_data', facts.certifiedData],
    ['controllers', encodeIc(facts.controllers)],
    ['last_install_timestamp', facts.installedNs === 0n ? undefined : leb128(facts.installedNs)],
    ['metadata', facts.moduleHash && sections],
    ['module_hash', facts.moduleHash],
  ])
}
