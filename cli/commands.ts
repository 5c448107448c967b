// biome-ignore-all format: a table reads by its rows
import type { Command, OptionRow } from './command.ts'
import { IC_COMMANDS } from './tables/ic-commands.ts'
import { LIFECYCLE_COMMANDS } from './tables/lifecycle-commands.ts'
import { FEED_COMMANDS } from './tables/feed-commands.ts'
import { FEED_FILE_COMMANDS } from './tables/feed-file-commands.ts'
import { PEER_COMMANDS } from './tables/peer-commands.ts'
import { PROOF_COMMANDS } from './tables/proof-commands.ts'

/** What a message carries, for commands that make one. */
const MESSAGE_OPTIONS = {
  action: { type: 'string', short: 'a', value: 'action', about: 'Action tag of the message' },
  tag: { type: 'string', short: 't', multiple: true, value: 'name=value', about: 'a tag' },
  'data-file': { type: 'string', value: 'file', about: 'data from a file; - is standard input' },
} as const satisfies Record<string, OptionRow>

const WAIT_OPTION = {
  wait: { type: 'string', value: 'scheduled|evaluated|settled', about: 'what to wait for (evaluated)' },
} as const satisfies Record<string, OptionRow>

/** Settings of a node, for commands that run one. */
const NODE_OPTIONS = {
  data: { type: 'string', short: 'd', value: 'folder', about: 'folder of feeds, state and keys (ATOLL_DATA)' },
  port: { type: 'string', short: 'p', value: 'port', about: 'port to listen on (7333); 0 takes any (ATOLL_PORT)' },
  host: { type: 'string', value: 'address', about: 'address to listen on (ATOLL_HOST)' },
  'public-url': { type: 'string', value: 'url', about: 'address that clients are told (ATOLL_PUBLIC_URL)' },
  'allowed-hosts': { type: 'string', value: 'names', about: 'names this node is reached by, beside loopback' },
  units: { type: 'string', value: 'names', about: 'what it runs: messenger,scheduler,compute (all)' },
  listen: { type: 'string', multiple: true, value: 'address', about: 'where peers reach this node: a port of loopback, or /ip4/…/tcp/… (ATOLL_LISTEN)' },
  peer: { type: 'string', multiple: true, value: 'address', about: 'a node to keep a connection to (ATOLL_PEER)' },
  bootstrap: { type: 'string', multiple: true, value: 'address', about: 'a node that is asked for others, with its peer id' },
  mdns: { type: 'boolean', about: 'find nodes of the local network, and be found' },
  dht: { type: 'boolean', about: 'take part in the distributed table of who is where' },
  relay: { type: 'boolean', about: 'carry connections of nodes that cannot be reached' },
  hosts: { type: 'string', value: 'count', about: 'child processes that evaluate (ATOLL_HOSTS)' },
  'effects-http': { type: 'string', value: 'hosts', about: 'hosts that processes may reach with http.fetch (nobody)' },
  'effects-for': { type: 'string', value: 'owners', about: 'owners and processes that effects are performed for (all)' },
  'llm-url': { type: 'string', value: 'url', about: 'OpenAI-compatible API behind llm.generate' },
  'llm-model': { type: 'string', value: 'name', about: 'the model asked when a process names none' },
  'llm-key-file': { type: 'string', value: 'file', about: 'file with the key of that API (0600)' },
  'log-level': { type: 'string', value: 'level', about: 'silent, error, warn, info or debug (ATOLL_LOG_LEVEL)' },
  'accept-restored': { type: 'boolean', about: 'the data folder is a copy, and no other copy was written to since' },
} as const satisfies Record<string, OptionRow>

/** Every command: the one table, from which help, suggestions and the README's tour are made. */
export const COMMANDS: readonly Command[] = [
  {
    name: 'up', usage: '', about: 'Run a node until it is interrupted',
    options: {
      ...NODE_OPTIONS,
      demo: { type: 'boolean', about: 'on the first start, spawn two processes that talk to each other' },
    },
    examples: ['atoll up', 'atoll up --port 0 --data ./node-b -o ndjson'],
    load: async () => (await import('./commands/up.ts')).up,
  },
  {
    name: 'module add', usage: '<file>', about: 'Sign a WASM module, or an agent (.process.ts), and add it',
    options: {
      format: { type: 'string', short: 'f', value: 'name', about: 'Module-Format (actor)' },
      name: { type: 'string', value: 'name', about: 'Name tag: a word to call it by' },
      tag: MESSAGE_OPTIONS.tag,
    },
    examples: [
      'atoll module add counter.wasm --format actor --name counter --tag Actor-Memory=scratch',
      'atoll module add counter.process.ts',
    ],
    load: async () => (await import('./commands/module.ts')).addModule,
  },
  {
    name: 'module list', usage: '', about: 'Modules the node knows', options: {},
    examples: ['atoll module list', 'atoll module list -o ndjson'],
    load: async () => (await import('./commands/module.ts')).listModules,
  },
  {
    name: 'module show', usage: '<module>', about: 'One module', options: {},
    examples: ['atoll module show counter'],
    load: async () => (await import('./commands/module.ts')).showModule,
  },
  {
    name: 'spawn', usage: '<module> [data]', about: 'Make a process of a module, or of a .process.ts file',
    options: {
      name: { type: 'string', value: 'name', about: 'Name tag: a word to call it by' },
      tag: MESSAGE_OPTIONS.tag,
      'data-file': MESSAGE_OPTIONS['data-file'],
      scheduler: { type: 'string', multiple: true, value: 'key', about: 'who schedules it, several together (the node)' },
      'scheduler-quorum': { type: 'string', value: 'count', about: 'schedulers that must sign (more than half)' },
      'compute-unit': { type: 'string', multiple: true, value: 'key', about: 'whose results count (the scheduler)' },
      agree: { type: 'string', value: 'count', about: 'compute units that must agree (1)' },
      ...WAIT_OPTION,
    },
    examples: ['atoll spawn counter --name hits', 'atoll spawn counter --scheduler <key> --compute-unit <key> --compute-unit <key> --agree 2'],
    load: async () => (await import('./commands/spawn.ts')).spawn,
  },
  {
    name: 'call', usage: '<process> <message> [json]', about: 'Call a message or query of a contract, and show its reply',
    options: {},
    examples: ['atoll call counter add \'{"by":2}\'', 'atoll call counter total -o json'],
    load: async () => (await import('./commands/call.ts')).call,
  },
  {
    name: 'send', usage: '<process> [message] [json]', about: 'Send a message (its data, without a contract) and show what came of it',
    options: { ...MESSAGE_OPTIONS, ...WAIT_OPTION },
    examples: ['atoll send hits --action Add --tag Quantity=5', 'atoll send counter add \'{"by":2}\'', 'atoll send ping --action Start --tag Peer=<process> --wait settled'],
    load: async () => (await import('./commands/send.ts')).send,
  },
  {
    name: 'query', usage: '<process> [message] [json]', about: 'Ask a process without giving it a message',
    options: { ...MESSAGE_OPTIONS, at: { type: 'string', value: 'slot', about: 'ask the state after this slot' } },
    examples: ['atoll query hits --action Get', 'atoll query hits --action Get --at 118'],
    load: async () => (await import('./commands/query.ts')).query,
  },
  {
    name: 'result', usage: '<process> <slot|message>', about: 'The result of one slot',
    options: { verify: { type: 'boolean', about: 'check signatures, certificate and Merkle path here' } },
    examples: ['atoll result hits 1', 'atoll result hits 1 --verify -o json'],
    load: async () => (await import('./commands/result.ts')).result,
  },
  {
    name: 'results', usage: '<process>', about: 'Results in slot order',
    options: {
      follow: { type: 'boolean', short: 'f', about: 'go on as they come, until interrupted or for --timeout' },
      from: { type: 'string', value: 'slot', about: 'first slot (the last 20; with -f: those to come)' },
      limit: { type: 'string', short: 'n', value: 'count', about: 'how many (20)' },
    },
    examples: ['atoll results hits', 'atoll results hits -f -o ndjson'],
    load: async () => (await import('./commands/results.ts')).results,
  },
  {
    name: 'trace', usage: '<message|process/slot>', about: 'A message and all that it caused, with timings',
    options: {
      follow: { type: 'boolean', short: 'f', about: 'show it as it grows' },
      settled: { type: 'boolean', about: 'wait until nothing of it is under way' },
    },
    examples: ['atoll trace hits/1', 'atoll trace <message> --settled -o json'],
    load: async () => (await import('./commands/trace.ts')).trace,
  },
  {
    name: 'process list', usage: '', about: 'Processes the node knows', options: {},
    examples: ['atoll process list'],
    load: async () => (await import('./commands/process.ts')).listProcesses,
  },
  {
    name: 'process show', usage: '<process>', about: 'One process, its policy, and how far it has come', options: {},
    examples: ['atoll process show hits -o json'],
    load: async () => (await import('./commands/process.ts')).showProcess,
  },
  {
    name: 'process verify', usage: '<process>', about: 'Evaluate its whole feed again here, and compare', options: {},
    examples: ['atoll process verify hits', 'atoll process verify hits -o json'],
    load: async () => (await import('./commands/verify.ts')).verify,
  },
  ...LIFECYCLE_COMMANDS,
  ...IC_COMMANDS,
  ...FEED_COMMANDS,
  ...FEED_FILE_COMMANDS,
  ...PEER_COMMANDS,
  ...PROOF_COMMANDS,
  {
    name: 'new', usage: '[template] [folder]', about: 'Begin a project from a template',
    options: { name: { type: 'string', value: 'name', about: 'name of the project (that of the folder)' } },
    examples: ['atoll new', 'atoll new counter', 'atoll new assistant ./helper'],
    load: async () => (await import('./commands/new.ts')).newFromTemplate,
  },
  {
    name: 'dev', usage: '[folder]', about: 'A node for a project; builds and upgrades in place as files are saved',
    options: { ...NODE_OPTIONS, fresh: { type: 'boolean', about: 'begin with an empty network' } },
    examples: ['atoll dev', 'atoll dev ./counter.process.ts --port 0 -o ndjson'],
    load: async () => (await import('./commands/dev.ts')).dev,
  },
  {
    name: 'deploy', usage: '[folder]', about: 'Build a project; spawn or upgrade what differs on the node',
    options: {
      'dry-run': { type: 'boolean', about: 'show what would be done' },
      pending: { type: 'string', value: 'wait|reject', about: 'open calls are waited for, or rejected (wait)' },
    },
    examples: ['atoll deploy', 'atoll deploy --dry-run'],
    load: async () => (await import('./commands/deploy.ts')).deploy,
  },
  {
    name: 'identity new', usage: '<name>', about: 'Make a key to sign with', options: {},
    examples: ['atoll identity new alice'],
    load: async () => (await import('./commands/identity.ts')).newIdentity,
  },
  {
    name: 'identity import', usage: '<name> <file>', about: 'Take in an Arweave wallet, or a key in PEM', options: {},
    examples: ['atoll identity import wallet ./wallet.json', 'atoll identity import me ./me.pem'],
    load: async () => (await import('./commands/identity.ts')).importIdentity,
  },
  {
    name: 'identity list', usage: '', about: 'The keys you can sign with', options: {},
    examples: ['atoll identity list'],
    load: async () => (await import('./commands/identity.ts')).listIdentities,
  },
  {
    name: 'identity use', usage: '<name>', about: 'Choose who signs from now on', options: {},
    examples: ['atoll identity use alice'],
    load: async () => (await import('./commands/identity.ts')).useIdentity,
  },
  {
    name: 'mcp', usage: '', about: 'Show processes that keep a contract to language models, as tools',
    options: {
      process: { type: 'string', multiple: true, value: 'process', about: 'a process that is shown (all that keep a contract)' },
      'allow-write': { type: 'boolean', about: 'messages too, signed by your identity; else only queries' },
      http: { type: 'boolean', about: 'Streamable HTTP on this machine, with a token; else standard input and output' },
      port: { type: 'string', value: 'port', about: 'port of --http (7334); 0 takes any' },
    },
    examples: ['atoll mcp', 'atoll mcp --process hits --allow-write', 'atoll mcp --http --port 0 -o json'],
    load: async () => (await import('./commands/mcp.ts')).mcp,
  },
  {
    name: 'doctor', usage: '', about: 'Check this machine, the settings and the node', options: {},
    examples: ['atoll doctor'],
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  {
    name: 'explain', usage: '[code]', about: 'What a failure means and what to do next', options: {},
    examples: ['atoll explain AT3003', 'atoll explain'],
    load: async () => (await import('./commands/explain.ts')).explain,
  },
  {
    name: 'completions', usage: '<shell>', about: 'The program that completes commands in bash, zsh, fish or powershell', options: {},
    examples: ['atoll completions bash', 'atoll completions fish'],
    load: async () => (await import('./commands/completion.ts')).completions,
  },
  {
    name: 'complete', usage: '[word]…', about: 'What could come next on a command line; shells ask this', options: {},
    examples: ['atoll complete -- send hi'],
    load: async () => {
      const { complete } = await import('./commands/completion.ts')
      return context => complete(context, COMMANDS)
    },
  },
]
