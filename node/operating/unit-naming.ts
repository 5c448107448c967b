import { type CallOptions, Failure, type KeyId, type OperationOutput } from '../../protocol/index.ts'
import type { UnitName } from '../unit-roles.ts'

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

/** A node alone asks nobody. */
export const NOBODY_IN_REACH: Pick<NamingParts, 'peers' | 'ask'> = {
  peers: () => [],
  ask: () => Promise.reject(new Failure('unreachable')),
}

const ASK_MAX_MS = 3_000

/**
 * Asks nodes in reach which units they run, in order of their keys: the first that runs one is named for it. Who wants to know while
 * they are asked waits for the same answers.
 */
export function unitNaming({ key, units, peers, ask }: NamingParts): () => Promise<UnitsToName> {
  const isWhole = units.includes('scheduler') && units.includes('compute')
  let asking: Promise<UnitsToName> | undefined
  const named = (unit: UnitName, answers: readonly { peer: KeyId; units: readonly string[] }[]): KeyId =>
    units.includes(unit) ? key : (answers.find(answer => answer.units.includes(unit))?.peer ?? key)
  const askAll = async (): Promise<UnitsToName> => {
    const asked = [...peers()].sort().map(async peer => ({ peer, ...(await ask(peer, { timeoutMs: ASK_MAX_MS })) }))
    const ended = await Promise.allSettled(asked)
    const answers = ended.flatMap(answer => (answer.status === 'fulfilled' ? [answer.value] : []))
    return { scheduler: named('scheduler', answers), computeUnit: named('compute', answers) }
  }
  return async () => {
    if (isWhole) return { scheduler: key, computeUnit: key }
    asking ??= askAll().finally(() => {
      asking = undefined
    })
    return asking
  }
}
