import type { Command } from './command.ts'

/** Commands about what proves things to whoever believes nobody. */
export const PROOF_COMMANDS: readonly Command[] = [
  {
    name: 'verify', usage: '<message|process|file>', about: 'Check a result and believe nobody: signatures, feed, certificate, output',
    options: {
      trust: { type: 'string', value: 'id|key|file', about: 'what you know: the process, its spawn message, or a key' },
      execute: { type: 'boolean', about: 'and evaluate the feed again here, up to that slot' },
    },
    examples: ['atoll verify <message>', 'atoll verify payment.proof --trust <process>', 'atoll verify hits --execute'],
    load: async () => (await import('./commands/verify-proof.ts')).verifyAny,
  },
  {
    name: 'proof export', usage: '<message|process/slot>', about: 'Write all that proves a result into a file that anybody can check',
    options: {
      file: { type: 'string', value: 'file', about: 'where to (<process>-<slot>.proof)' },
      bare: { type: 'boolean', about: 'without the message, and without an output that is long' },
    },
    examples: ['atoll proof export <message>', 'atoll proof export hits/7 --file payment.proof'],
    load: async () => (await import('./commands/export-proof.ts')).exportProofFile,
  },
]
