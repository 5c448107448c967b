import { safeLine } from './show-bytes.ts'
import { counted, type UpgradeCheckView } from '../../protocol/index.ts'

type Check = Pick<UpgradeCheckView, 'replayed' | 'differences'>

/** How many messages two modules were given, and how many of these they answered differently: an answer may differ in several ways. Nothing, if none was given. */
export function showReplayed({ replayed, differences }: Check): string | undefined {
  if (replayed === 0) return undefined
  const differing = new Set(differences.map(({ slot }) => slot)).size
  return `${counted(replayed, 'message')} given to both modules, ${differing} answered otherwise`
}

const SHOWN_MAX = 10
const TEXT_MAX = 60

/** What the new module answered otherwise: a line for each of the first, and how many more there are. */
export function showOtherwise({ differences }: Pick<Check, 'differences'>): string[] {
  const lines = differences
    .slice(0, SHOWN_MAX)
    .map(({ slot, what, before, after }) => `slot ${slot} ${what}: ${cut(before)} → ${cut(after)}`)
  return differences.length > SHOWN_MAX ? [...lines, `… ${differences.length - SHOWN_MAX} more`] : lines
}

const cut = (text: string): string => {
  const safe = safeLine(text)
  return safe.length > TEXT_MAX ? `${safe.slice(0, TEXT_MAX)}…` : safe
}
