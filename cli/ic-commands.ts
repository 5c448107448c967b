import type { Command } from './command.ts'

/** Commands about canisters. */
export const IC_COMMANDS: readonly Command[] = [
  {
    name: 'ic deploy',
    usage: '<file.wasm|file.mo>',
    about: 'Install a program in a canister of its name, or upgrade it there',
    options: {
      name: { type: 'string', value: 'name', about: 'what it is called, instead of like its file' },
      canister: {
        type: 'string',
        value: 'canister',
        about: 'this one, whatever it is called',
      },
      argument: { type: 'string', value: 'candid', about: 'argument of the program, as Candid’s text (())' },
    },
    examples: ['atoll ic deploy counter.mo', 'atoll ic deploy counter.wasm --name other'],
    load: async () => (await import('./commands/ic.ts')).deployCanister,
  },
  {
    name: 'ic call',
    usage: '<canister> <method> [candid]',
    about: 'Call a method of a canister, and check what the certificate says',
    options: { query: { type: 'boolean', about: 'ask without giving it a message' } },
    examples: ["atoll ic call counter add '(5)'", 'atoll ic call <canister> get --query'],
    load: async () => (await import('./commands/ic.ts')).callCanister,
  },
  {
    name: 'ic id',
    usage: '[process]',
    about: 'The principal of a process, or your own',
    options: {},
    examples: ['atoll ic id', 'atoll ic id counter'],
    load: async () => (await import('./commands/ic.ts')).showPrincipal,
  },
]
