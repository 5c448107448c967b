import type { CallOptions, KeyId, OperationOutput } from '../protocol/index.ts'
import type { UnitName } from './unit-roles.ts'

/** Whom to name in a spawn message at a node: itself, or another for the units that it does not run. */
export interface UnitsToName {
  readonly scheduler: KeyId
  readonly computeUnit: KeyId
}

export interface NamingParts {
  readonly key: KeyId
  readonly units: readonly UnitName[]
  /** Nodes in reach. */
  peers(): readonly KeyId[]
  ask(peer: KeyId, options: CallOptions): Promise<Pick<OperationOutput<'node'>, 'units'>>
}

const ASK_MAX_MS = 3_000

/**
 * Asks nodes in reach which units they run, in order of their keys: the first that runs one is named for it. One of them
 * may ask this node the same meanwhile: it is told what this node runs.
 */
export function unitNaming({ key, units, peers, ask }: NamingParts): () => Promise<UnitsToName> {
  let isAsking = false
  const named = (
    unit: UnitName,
    answers: readonly { peer: KeyId; units: readonly string[] }[],
  ): KeyId =>
    units.includes(unit) ? key : (answers.find(answer => answer.units.includes(unit))?.peer ?? key)
  return async () => {
    const isWhole = units.includes('scheduler') && units.includes('compute')
    if (isWhole || isAsking) return { scheduler: key, computeUnit: key }
    isAsking = true
    const asked = [...peers()]
      .sort()
      .map(async peer => ({ peer, ...(await ask(peer, { timeoutMs: ASK_MAX_MS })) }))
    const ended = await Promise.allSettled(asked).finally(() => {
      isAsking = false
    })
    const answers = ended.flatMap(answer => (answer.status === 'fulfilled' ? [answer.value] : []))
    return { scheduler: named('scheduler', answers), computeUnit: named('compute', answers) }
  }
}
