import { equalBytes, fromUtf8, MalformedBytes } from '../../protocol/index.ts'
import type { Path } from './state-tree.ts'
import { HttpRefusal } from './refusal.ts'

/** What a look at the state asks for. */
export interface Wanted {
  readonly paths: Path[]
  readonly requests: Map<string, Uint8Array>
  readonly canisters: Map<string, Uint8Array>
  readonly metadata: Set<string>
}

const REQUEST_VALUES: ReadonlySet<string> = new Set(['status', 'reply', 'reject_code', 'reject_message', 'error_code'])
const CANISTER_VALUES: ReadonlySet<string> = new Set([
  'canister_creation_timestamp',
  'controllers',
  'last_install_timestamp',
  'module_hash',
])
const SUBNET_VALUES: ReadonlySet<string> = new Set(['canister_ranges', 'metrics', 'node', 'public_key', 'type'])
const BOUNDARY_NODE_VALUES: ReadonlySet<string> = new Set(['domain', 'ipv4_address', 'ipv6_address'])
const REQUEST_ID_BYTES = 32

/**
 * Sorts paths by what they are about; without an effective canister, as one asks of a subnet.
 * @throws {HttpRefusal} 404 on a path that nobody may ask for, 400 on several requests at once
 */
export function wantedOf(paths: readonly Path[], effective: Uint8Array | undefined): Wanted {
  const wanted: Wanted = { paths: [], requests: new Map(), canisters: new Map(), metadata: new Set() }
  for (const path of paths) {
    const [first, second, ...rest] = path
    switch (textOf(first)) {
      case 'time':
        if (path.length > 1) throw invalid()
        continue
      case 'request_status':
        if (second?.length !== REQUEST_ID_BYTES || !areAmong(rest, REQUEST_VALUES)) throw invalid()
        wanted.requests.set(keyOf(second), second)
        break
      case 'canister':
        if (second === undefined || effective === undefined || !equalBytes(second, effective)) throw invalid()
        wantCanister(wanted, second, rest)
        break
      case 'subnet':
        if (!isOfSubnet(rest, effective === undefined)) throw invalid()
        break
      case 'canister_ranges':
        if (effective !== undefined || path.length !== 2) throw invalid()
        break
      case 'api_boundary_nodes':
        if (!areAmong(rest, BOUNDARY_NODE_VALUES)) throw invalid()
        break
      default:
        throw invalid()
    }
    wanted.paths.push(path)
  }
  if (wanted.requests.size > 1)
    throw new HttpRefusal(400, 'Can only request a single request ID in request_status paths.')
  return wanted
}

function wantCanister(wanted: Wanted, canister: Uint8Array, [value, section, ...more]: readonly Uint8Array[]): void {
  const isSection = textOf(value) === 'metadata' && section !== undefined && more.length === 0
  if (isSection) wanted.metadata.add(textOf(section) ?? '')
  else if (section !== undefined || !CANISTER_VALUES.has(textOf(value) ?? '')) throw invalid()
  wanted.canisters.set(keyOf(canister), canister)
}

/** Nothing, or one value. */
function areAmong([value, ...more]: readonly Uint8Array[], values: ReadonlySet<string>): boolean {
  return more.length === 0 && (value === undefined || values.has(textOf(value) ?? ''))
}

function isOfSubnet([value, node, ...rest]: readonly Uint8Array[], isAskedOfSubnet: boolean): boolean {
  const name = textOf(value)
  if (node === undefined)
    return value === undefined || (SUBNET_VALUES.has(name ?? '') && (name !== 'metrics' || isAskedOfSubnet))
  return name === 'node' && (rest.length === 0 || (rest.length === 1 && textOf(rest[0]) === 'public_key'))
}

const invalid = (): HttpRefusal => new HttpRefusal(404, 'Invalid path requested.')

const keyOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

function textOf(label: Uint8Array | undefined): string | undefined {
  try {
    return label && fromUtf8(label)
  } catch (error) {
    if (error instanceof MalformedBytes) throw invalid()
    throw error
  }
}
