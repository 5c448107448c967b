import type { UpgradeCheckView } from '../../protocol/index.ts'

const STAYS = 'The process goes on with what it has; correct what the error names, and try again.'
const FAILED = 'The process goes on with what it has; correct what ran, such as migrate, and try again.'

const STEPS: Readonly<Record<string, string>> = {
  'bad-state':
    'Under another version of the contract, have migrate make a state that fits of the old one: ' +
    "migrate: { '<version it has now>': old => ({ … }) }; docs/AGENTS.md shows one.",
  'pending-calls': 'Wait longer (--timeout 5m), or have them end with the code upgraded: --pending reject.',
  threw: FAILED,
  'out-of-gas': FAILED,
  'memory-limit': FAILED,
  'stack-overflow': FAILED,
}

/** What to do after a change of its module or state that a process refused; nothing, where only the process knows. */
export function stepAfterRefusal(error: UpgradeCheckView['error']): string | undefined {
  return error === undefined ? undefined : STEPS[error.code]
}

/** What to do after an upgrade that failed on a copy: nothing was sent, so there is no message to look at. */
export const stepAfterTry = (error: UpgradeCheckView['error']): string => stepAfterRefusal(error) ?? STAYS
