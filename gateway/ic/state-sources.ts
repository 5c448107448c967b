import { type CanisterAnswer, encodeIc, leb128, toUtf8 } from '../../protocol/index.ts'
import type { CanisterFacts } from './canisters.ts'
import type { RequestState } from './requests.ts'
import type { StateLevel, StateSource } from './state-tree.ts'

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
  if (reject === undefined) return level([['reply', reply], ['status', toUtf8('replied')]])
  return level([
    ['error_code', reject.error === '' ? undefined : toUtf8(reject.error)],
    ['reject_code', leb128(reject.code)],
    ['reject_message', toUtf8(reject.message)],
    ['status', toUtf8('rejected')],
  ])
}

/** What the state says of a canister; of its metadata, the sections that were asked for. */
export function canisterSource(facts: CanisterFacts, metadata: ReadonlyMap<string, Uint8Array | undefined> = new Map()): StateSource {
  const shown: [Uint8Array, StateSource][] = []
  const absent: Uint8Array[] = []
  for (const [name, bytes] of metadata) {
    if (bytes === undefined) absent.push(toUtf8(name))
    else shown.push([toUtf8(name), bytes])
  }
  const sections: StateSource = { entries: shown, absent, partial: true }
  return level([
    ['certified_data', facts.certifiedData],
    ['controllers', encodeIc(facts.controllers)],
    ['metadata', facts.moduleHash && sections],
    ['module_hash', facts.moduleHash],
  ])
}
