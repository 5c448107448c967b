import type { Command } from '../command.ts'

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
      package: {
        type: 'string',
        multiple: true,
        value: 'name=folder',
        about: 'a package that a Motoko program imports, by its folder of sources',
      },
    },
    examples: [
      'atoll ic deploy counter.mo',
      'atoll ic deploy counter.wasm --name other',
      'atoll ic deploy shop.mo --package base=.mops/base@0.16.0/src',
    ],
    load: async () => (await import('../commands/ic.ts')).deployCanister,
  },
  {
    name: 'ic call',
    usage: '<canister> <method> [candid]',
    about: 'Call a method of a canister, and check what the certificate says; or ask a query',
    options: {
      query: {
        type: 'boolean',
        about: 'ask without giving it a message: so is asked what the interface calls a query',
      },
      update: { type: 'boolean', about: 'give it a message whatever the interface says: the answer is certified' },
    },
    examples: ["atoll ic call counter add '(5)'", 'atoll ic call counter get', 'atoll ic call counter get --update'],
    load: async () => (await import('../commands/ic.ts')).callCanister,
  },
  {
    name: 'ic id',
    usage: '[process]',
    about: 'The principal of a process, or your own',
    options: {},
    examples: ['atoll ic id', 'atoll ic id counter'],
    load: async () => (await import('../commands/ic.ts')).showPrincipal,
  },
]
