import { counted, type UpgradeCheckView } from '../protocol/index.ts'

type Check = Pick<UpgradeCheckView, 'replayed' | 'differences'>

/** How many messages two modules were given, and how many of these they answered differently: an answer may differ in several ways. Nothing, if none was given. */
export function showReplayed({ replayed, differences }: Check): string | undefined {
  if (replayed === 0) return undefined
  const differing = new Set(differences.map(({ slot }) => slot)).size
  return `${counted(replayed, 'message')} given to both modules, ${differing} answered otherwise`
}
