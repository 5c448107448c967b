import { posix } from 'node:path'
import type { Source } from './scan.ts'

/**
 * Who may import whom: the only place that says so. Listed from the ground up; a room may only name rooms above it in
 * this list, so there can be no circle.
 */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  startup: [],
  protocol: [],
  /** Types of protocol only: it runs inside processes too. */
  contract: ['protocol'],
  secrets: ['protocol'],
  log: ['protocol'],
  processes: ['protocol', 'contract'],
  'scheduler-unit': ['protocol'],
  'compute-unit': ['protocol'],
  'messenger-unit': ['protocol'],
  agreement: ['protocol'],
  network: ['protocol'],
  evidence: ['protocol'],
  gateway: ['protocol'],
  sdk: ['protocol', 'contract'],
  node: [
    'startup',
    'protocol',
    'secrets',
    'log',
    'processes',
    'scheduler-unit',
    'compute-unit',
    'messenger-unit',
    'agreement',
    'network',
    'evidence',
    'gateway',
  ],
  mcp: ['protocol', 'contract', 'sdk'],
  toolchain: ['protocol', 'contract', 'processes'],
  testing: [
    'startup',
    'protocol',
    'contract',
    'processes',
    'compute-unit',
    'agreement',
    'evidence',
    'gateway',
    'sdk',
    'node',
    'toolchain',
  ],
  cli: ['startup', 'protocol', 'contract', 'secrets', 'sdk', 'node', 'mcp', 'toolchain'],
}

/** The rooms through which a third-party package comes in: one each, but for zod, with which the node reads its settings. */
export const DOORS: Readonly<Record<string, readonly string[]>> = {
  '@noble/curves': ['protocol'],
  '@noble/hashes': ['protocol'],
  '@bomb.sh/tab': ['cli'],
  '@chainsafe/libp2p-quic': ['network'],
  '@jridgewell/trace-mapping': ['processes', 'toolchain'],
  '@libp2p/autonat': ['network'],
  '@libp2p/bootstrap': ['network'],
  '@libp2p/circuit-relay-v2': ['network'],
  '@libp2p/dcutr': ['network'],
  '@libp2p/gossipsub': ['network'],
  '@libp2p/kad-dht': ['network'],
  '@libp2p/mdns': ['network'],
  '@libp2p/websockets': ['network'],
  '@libp2p/crypto': ['network'],
  '@libp2p/identify': ['network'],
  '@libp2p/interface': ['network'],
  '@libp2p/noise': ['network'],
  '@libp2p/peer-id': ['network'],
  '@libp2p/ping': ['network'],
  '@libp2p/tcp': ['network'],
  '@libp2p/utils': ['network'],
  '@libp2p/yamux': ['network'],
  '@modelcontextprotocol/server': ['mcp'],
  '@multiformats/multiaddr': ['network'],
  '@wasmer/sdk': ['processes'],
  assemblyscript: ['processes'],
  binaryen: ['processes'],
  '@hyperswarm/secret-stream': ['log'],
  corestore: ['log'],
  croner: ['processes'],
  esbuild: ['processes', 'toolchain'],
  hyperbee: ['log'],
  hypercore: ['log'],
  'hypercore-storage': ['log'],
  libp2p: ['network'],
  multiformats: ['network'],
  motoko: ['toolchain'],
  pino: ['node'],
  'quickjs-wasi': ['processes'],
  'rocksdb-native': ['log'],
  secp256k1: ['node'],
  'sodium-native': ['node'],
  'whatwg-url-without-unicode': ['processes'],
  zod: ['protocol', 'node', 'toolchain'],
}

/** Rooms that run in a browser. */
export const PORTABLE: readonly string[] = ['protocol', 'contract', 'sdk']

const NODE_GLOBALS =
  /(?<![.\w'"-])(?:Buffer|setImmediate|clearImmediate|__dirname|__filename|NodeJS)\b(?!['"-])|(?<![.\w])process\.(?:argv|cwd|env|exit|hrtime|memoryUsage|nextTick|on|pid|platform|stderr|stdin|stdout|versions?)\b/g

/** Words that say nothing, or that belong to other systems. */
const BANNED_WORDS: ReadonlySet<string> = new Set([
  'handler',
  'handlers',
  'helper',
  'helpers',
  'manager',
  'nonce',
  'transaction',
  'transactions',
  'util',
  'utils',
])
/** Names that say nothing by themselves, though they may be part of a name that does. */
const BANNED_NAMES: ReadonlySet<string> = new Set(['common', 'misc', 'shared', 'types'])

export const FILE_LENGTH_MAX_LINES = 300

/** What is wrong with the imports of a source, one sentence each. */
export function wrongImports({ room, path, imports }: Source): string[] {
  return imports.flatMap(specifier => {
    const reason = refuse(room, path, specifier)
    return reason === undefined ? [] : [`${path} → ${specifier}: ${reason}`]
  })
}

function refuse(room: string, path: string, specifier: string): string | undefined {
  if (specifier.startsWith('node:')) return PORTABLE.includes(room) ? 'no Node API here' : undefined
  if (!specifier.startsWith('.')) {
    const name = specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/')
    return DOORS[name]?.includes(room) === true ? undefined : 'this room is not the door of that package'
  }
  const [other = '', ...rest] = posix.join(posix.dirname(path), specifier).split('/')
  if (other === room) return undefined
  if (ROOMS[room]?.includes(other) !== true) return `${room} must not know ${other}`
  return rest.join('/') === 'index.ts' ? undefined : 'a room is entered by its index.ts'
}

/** Names of Node's own world that a portable source uses. */
export function nodeGlobals({ code }: Source): string[] {
  const withoutStrings = code.replace(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g, "''")
  return [...withoutStrings.matchAll(NODE_GLOBALS)].map(match => match[0])
}

/** Whether a source has a default export. */
export function hasDefaultExport({ code }: Source): boolean {
  return /\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b/.test(code)
}

/** What is wrong with the name of a file or one of its folders. */
export function wrongName({ path }: Source): string | undefined {
  const names = path.split('/').map(part => part.replace(/(?:\.d)?\.(?:ts|mts|mjs)$/, ''))
  for (const name of names) {
    if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name)) return `${path}: "${name}" is not kebab-case`
    const banned = BANNED_NAMES.has(name) ? name : name.split('-').find(word => BANNED_WORDS.has(word))
    if (banned !== undefined) return `${path}: "${banned}" is a word we do not use`
  }
  return undefined
}
