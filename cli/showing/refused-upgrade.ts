import type { UpgradeCheckView } from '../../protocol/index.ts'

const STEPS: Readonly<Record<string, string>> = {
  'bad-state':
    'Give the contract another version, and let migrate make its state of the old one: ' +
    "migrate: { '<old version>': old => ({ … }) }; docs/AGENTS.md shows one.",
  'pending-calls': 'Wait longer (--timeout 5m), or have them end with the code upgraded: --pending reject.',
}

/** What to do after an upgrade that its process, or the try on a copy, refused; nothing, where only the process knows. */
export function stepAfterRefusal(error: UpgradeCheckView['error']): string | undefined {
  return error === undefined ? undefined : STEPS[error.code]
}
