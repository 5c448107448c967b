import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { CHUNK_SIZE_BYTES, FRAME_SLOTS_MAX, fromUtf8, HostFault, MEMORY_MAX_PAGES } from '../../protocol/index.ts'
import { GLOBAL_TYPES, type GlobalType, type GlobalValues } from '../actor/engine-state.ts'
import {
  compileRewritten,
  DEFAULT_LIMITS,
  INJECTED,
  ModuleRefused,
  type RewrittenModule,
  rewrite,
} from '../rewriter/index.ts'
import { Rejected } from './canister-trap.ts'
import { CODE_MAX_BYTES, METADATA_MAX, METADATA_MAX_BYTES, METHOD_NAMES_MAX_BYTES, METHODS_MAX } from './bounds.ts'
import { SYSTEM_API } from './system-api.ts'

/** A section of metadata: `icp:public <name>`, `icp:private <name>`. */
export interface Metadata {
  readonly name: string
  readonly isPublic: boolean
  readonly content: Uint8Array
}

/** Code of canisters, ready to run. */
export interface CanisterCode {
  /** sha256 of the module as it was installed, compressed or not: the module hash that the IC certifies. */
  readonly hash: Uint8Array
  readonly module: WebAssembly.Module
  readonly is64: boolean
  readonly hasStart: boolean
  readonly globals: readonly { readonly exportName: string; readonly type: GlobalType }[]
  readonly entries: ReadonlySet<string>
  readonly metadata: readonly Metadata[]
  /** Motoko's heap that outlives upgrades: it must be kept. */
  readonly keepsHeap: boolean
  readonly pagesMin: number
  readonly pagesMax: number
  /** What memory and globals are before anything ran. */
  readonly initialChunks: ReadonlyMap<number, Uint8Array>
  readonly initialGlobals: GlobalValues
}

const PROFILE = {
  imports: (module: string, name: string, kind: string) =>
    module === 'ic0' && kind === 'function' && SYSTEM_API.has(name),
  memoryPagesMax: MEMORY_MAX_PAGES,
  frameSlotsMax: FRAME_SLOTS_MAX,
  trackDirty: true,
  features: { memoryInit: true, segmentsStay: true },
  // Names and debug information may be as long as they like: metadata are counted below.
  limits: {
    ...DEFAULT_LIMITS,
    moduleSizeMaxBytes: CODE_MAX_BYTES,
    customSectionsMax: 1_000,
    customSectionsMaxBytes: CODE_MAX_BYTES,
  },
} as const

/**
 * Unpacks, checks, rewrites and compiles code of a canister.
 * @throws {Rejected} `IC0505` if a canister cannot be made of it @throws {HostFault}
 */
export function prepareCode(bytes: Uint8Array): CanisterCode {
  const hash = new Uint8Array(createHash('sha256').update(bytes).digest())
  const rewritten = rewriteCode(unpack(bytes))
  checkTypes(rewritten)
  const metadata = metadataOf(rewritten)
  return withBeginnings({
    hash,
    module: compileRewritten(rewritten.bytes),
    is64: rewritten.memory64,
    hasStart: rewritten.hasStart,
    globals: globalsOf(rewritten),
    entries: new Set([...rewritten.exportTypes.keys()].filter(name => name.startsWith('canister_'))),
    metadata,
    keepsHeap: metadata.some(({ name }) => name === 'enhanced-orthogonal-persistence'),
    pagesMin: rewritten.memoryPagesMin,
    pagesMax: rewritten.memoryPagesMax,
  })
}

/**
 * Bounds of what a canister may export and tell of itself. They are asked of code that comes in; code that was taken is not asked
 * again when its canister wakes. @throws {Rejected} `IC0505`
 */
export function checkBounds({ entries, metadata }: CanisterCode): void {
  const methods = [...entries].flatMap(entry => methodOf(entry) ?? [])
  const nameBytes = methods.reduce((sum, method) => sum + Buffer.byteLength(method), 0)
  const metadataBytes = metadata.reduce((sum, { name, content }) => sum + Buffer.byteLength(name) + content.length, 0)
  if (methods.length > METHODS_MAX) throw invalid(`more than ${METHODS_MAX} methods`)
  if (nameBytes > METHOD_NAMES_MAX_BYTES) throw invalid(`names of methods of more than ${METHOD_NAMES_MAX_BYTES} bytes`)
  if (metadata.length > METADATA_MAX) throw invalid(`more than ${METADATA_MAX} metadata sections`)
  if (metadataBytes > METADATA_MAX_BYTES) throw invalid(`metadata of more than ${METADATA_MAX_BYTES} bytes`)
}

/** An instance shows what data segments and constants make of memory and globals. */
function withBeginnings(code: Omit<CanisterCode, 'initialChunks' | 'initialGlobals'>): CanisterCode {
  const { heap, globals } = firstInstance(code)
  const initialChunks = new Map<number, Uint8Array>()
  for (let index = 0; index < heap.length / CHUNK_SIZE_BYTES; index++) {
    const bytes = heap.subarray(index * CHUNK_SIZE_BYTES, (index + 1) * CHUNK_SIZE_BYTES)
    if (Buffer.compare(bytes, ZEROES) !== 0) initialChunks.set(index, bytes.slice())
  }
  return { ...code, initialChunks, initialGlobals: globals }
}

const ZEROES = new Uint8Array(CHUNK_SIZE_BYTES)

function firstInstance({ module, globals }: Pick<CanisterCode, 'module' | 'globals'>): {
  heap: Uint8Array
  globals: GlobalValues
} {
  const unused = Object.fromEntries(WebAssembly.Module.imports(module).map(({ name }) => [name, () => 0]))
  let exports: WebAssembly.Exports
  try {
    exports = new WebAssembly.Instance(module, { ic0: unused }).exports
  } catch (cause) {
    // Segments that lie outside of memory or table: a fact about the code.
    if (cause instanceof WebAssembly.RuntimeError) throw invalid('a segment does not fit')
    throw new HostFault('no instance of a canister', { cause })
  }
  const memory = exports[INJECTED.memory] as WebAssembly.Memory | undefined
  const values = globals.map(({ exportName }) => (exports[exportName] as WebAssembly.Global).value as number | bigint)
  return { heap: new Uint8Array(memory?.buffer ?? new ArrayBuffer(0)), globals: values }
}

/** Whether bytes are a gzip stream, by their first three. */
const isPacked = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8

/** Bytes of the module that these are, packed or not. @throws {Rejected} */
export const unpackedBytes = (bytes: Uint8Array): number => unpack(bytes).length

function unpack(bytes: Uint8Array): Uint8Array {
  if (!isPacked(bytes)) return bytes
  try {
    return new Uint8Array(gunzipSync(bytes, { maxOutputLength: CODE_MAX_BYTES }))
  } catch {
    throw invalid('the gzip stream is damaged, or too large when unpacked')
  }
}

function rewriteCode(wasm: Uint8Array): RewrittenModule {
  try {
    return rewrite(wasm, PROFILE)
  } catch (error) {
    if (error instanceof ModuleRefused) throw invalid(`${error.reason}: ${error.message}`)
    throw error
  }
}

/** The engine takes any function for an import; what the canister thinks of it must be so. */
function checkTypes({ importTypes, exportTypes, memory64 }: RewrittenModule): void {
  const words: Readonly<Record<string, string>> = {
    p: memory64 ? 'i64' : 'i32',
    e: memory64 ? 'i64' : 'i32',
    i: 'i32',
    I: 'i64',
  }
  for (const [name, type] of importTypes) {
    const call = SYSTEM_API.get(name)
    if (call === undefined || (call.only32 && memory64)) throw invalid(`there is no ic0.${name} for this module`)
    const expected = [...call.params, '>', ...call.result].map(letter => words[letter] ?? letter).join(' ')
    if (type !== expected) throw invalid(`ic0.${name} has the type (${expected}), not (${type})`)
  }
  const methods = new Set<string>()
  for (const [name, type] of exportTypes) {
    if (!name.startsWith('canister_')) continue
    if (type !== '>') throw invalid(`the export "${name}" takes and gives nothing`)
    const method = methodOf(name)
    if (method === undefined) {
      if (!SYSTEM_ENTRIES.has(name)) throw invalid(`there is no entry point "${name}"`)
    } else if (methods.has(method)) throw invalid(`the method "${method}" is exported twice`)
    else methods.add(method)
  }
}

/** The name of a method that an export is; nothing, if it is none. */
const methodOf = (entry: string): string | undefined =>
  /^canister_(?:update|query|composite_query) (.*)$/s.exec(entry)?.[1]

const SYSTEM_ENTRIES: ReadonlySet<string> = new Set([
  'canister_init',
  'canister_pre_upgrade',
  'canister_post_upgrade',
  'canister_inspect_message',
  'canister_heartbeat',
  'canister_global_timer',
  'canister_on_low_wasm_memory',
])

function globalsOf({ mutableGlobals }: RewrittenModule): CanisterCode['globals'] {
  return mutableGlobals.map(({ exportName, type }) => {
    const known = GLOBAL_TYPES.find(one => one === type)
    if (known === undefined) throw invalid(`a mutable global of type ${type}`)
    return { exportName, type: known }
  })
}

function metadataOf({ customSections }: RewrittenModule): Metadata[] {
  const found: Metadata[] = []
  for (const { name: whole, bytes } of customSections) {
    if (!whole.startsWith('icp:')) continue
    const [, visibility, name] = /^icp:(public|private) (.*)$/s.exec(whole) ?? []
    if (name === undefined) throw invalid(`the section "${whole}" is neither icp:public nor icp:private`)
    if (found.some(one => one.name === name)) throw invalid(`the metadata section "${name}" stands twice`)
    found.push({ name, isPublic: visibility === 'public', content: bytes.slice() })
  }
  return found
}

/** The Candid interface that code tells of itself; empty if it tells none. */
export function serviceOf(code: CanisterCode): string {
  const section = code.metadata.find(({ name }) => name === 'candid:service')
  try {
    return section === undefined ? '' : fromUtf8(section.content)
  } catch {
    return ''
  }
}

const invalid = (note: string): Rejected => new Rejected('IC0505', `Canister's Wasm module is not valid: ${note}`)
