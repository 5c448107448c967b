import type { Command } from '../command.ts'

/** Commands about what proves things to whoever believes nobody. */
export const PROOF_COMMANDS: readonly Command[] = [
  {
    name: 'verify',
    usage: '<message|process|file>',
    about: 'Check a result and believe nobody: signatures, feed, certificate, output',
    options: {
      trust: { type: 'string', value: 'id|key|file', about: 'what you know: the process, its spawn message, or a key' },
      execute: { type: 'boolean', about: 'and evaluate the feed again here, up to that slot' },
    },
    examples: ['atoll verify <message>', 'atoll verify payment.proof --trust <process>', 'atoll verify hits --execute'],
    load: async () => (await import('../commands/verify-proof.ts')).verifyAny,
  },
  {
    name: 'proof export',
    usage: '<message|process/slot>',
    about: 'Write all that proves a result into a file that anybody can check',
    options: {
      file: { type: 'string', value: 'file', about: 'where to (<process>-<slot>.proof)' },
      bare: { type: 'boolean', about: 'without the message, and without an output that is long' },
    },
    examples: ['atoll proof export <message>', 'atoll proof export hits/7 --file payment.proof'],
    load: async () => (await import('../commands/export-proof.ts')).exportProofFile,
  },
  {
    name: 'evidence list',
    usage: '[process]',
    about: 'Who broke the rules, as far as the node knows',
    options: { kind: { type: 'string', value: 'equivocation|fault|complaint', about: 'only these' } },
    examples: ['atoll evidence list', 'atoll evidence list hits --kind equivocation'],
    load: async () => (await import('../commands/evidence.ts')).listEvidence,
  },
  {
    name: 'evidence show',
    usage: '<id>',
    about: 'One piece of evidence, or write it into a file',
    options: { file: { type: 'string', value: 'file', about: 'where to' } },
    examples: ['atoll evidence show <id>', 'atoll evidence show <id> --file twins.evidence'],
    load: async () => (await import('../commands/evidence.ts')).showEvidence,
  },
  {
    name: 'evidence verify',
    usage: '<id|file>',
    about: 'Check a piece of evidence here',
    options: {},
    examples: ['atoll evidence verify twins.evidence'],
    load: async () => (await import('../commands/evidence.ts')).verifyEvidence,
  },
  {
    name: 'evidence add',
    usage: '<file>',
    about: 'Hand a piece of evidence to the node',
    options: {},
    examples: ['atoll evidence add twins.evidence'],
    load: async () => (await import('../commands/evidence.ts')).addEvidence,
  },
]
