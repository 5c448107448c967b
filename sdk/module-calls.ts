import {
  asModuleId,
  type CallOptions,
  type InterfaceDescription,
  type ModuleId,
  type ModuleView,
  type Signer,
} from '../protocol/index.ts'
import { findNamed, isNamed } from './find-named.ts'
import { Interfaces } from './interfaces.ts'
import { type ModuleFields, signModule } from './message-item.ts'
import { pagesOf } from './pages.ts'
import { withRetries } from './retry.ts'
import type { Transport } from './transport.ts'

/** A module is large: its upload may take longer than a message. */
const ADD_TIMEOUT_MS = 120_000
const READ_TIMEOUT_MS = 30_000

/** What a client does with modules. */
export interface ModuleCalls {
  /** Signs and adds a module; the same bytes by the same Ed25519 key give the same id. */
  add(
    wasm: Uint8Array,
    fields: ModuleFields & { readonly signer?: Signer | undefined },
    options?: CallOptions,
  ): Promise<ModuleId>
  /** Adds a module that is signed already, byte for byte. */
  addItem(item: Uint8Array, options?: CallOptions): Promise<ModuleId>
  get(id: string, options?: CallOptions): Promise<ModuleView>
  /** The signed item of a module. */
  item(id: string, options?: CallOptions): Promise<Uint8Array>
  /** What processes of a module promise. @throws {Failure} `no-contract` if it carries none */
  interface(id: string, options?: CallOptions): Promise<InterfaceDescription>
  /**
   * The id of a module by its id or Name tag, among those that `may` be meant. @throws {Failure} `unknown-module`,
   * `ambiguous-name`
   */
  find(idOrName: string, options?: CallOptions, may?: (module: ModuleView) => boolean): Promise<ModuleId>
  /** All modules the node knows, page by page. */
  list(options?: CallOptions): AsyncIterable<ModuleView>
}

export function moduleCalls(transport: Transport, signerOr: (signer: Signer | undefined) => Signer): ModuleCalls {
  const calls: ModuleCalls = {
    add: async (wasm, fields, options) =>
      calls.addItem((await signModule(wasm, fields, signerOr(fields.signer))).bytes, options),
    async addItem(bytes, options = {}) {
      const limits = { timeoutMs: ADD_TIMEOUT_MS, ...options }
      const added = await withRetries(transport, limits, ADD_TIMEOUT_MS, ({ signal }) =>
        transport.request('addModule', { bytes }, { signal, timeoutMs: ADD_TIMEOUT_MS }),
      )
      return added.module
    },
    get: (id, options = {}) =>
      withRetries(transport, options, READ_TIMEOUT_MS, limits =>
        transport.request('module', { module: asModuleId(id) }, limits),
      ),
    item: (id, options = {}) =>
      withRetries(transport, options, ADD_TIMEOUT_MS, ({ signal }) =>
        transport.request('moduleItem', { module: asModuleId(id) }, { signal, timeoutMs: ADD_TIMEOUT_MS }),
      ),
    interface: (id, options) => interfaces.of(asModuleId(id), options),
    find: async (idOrName, options, may = () => true) =>
      asModuleId(
        await findNamed(
          idOrName,
          () => calls.list(options),
          'unknown-module',
          module => isNamed(module, idOrName) && may(module),
        ),
      ),
    list: (options = {}) =>
      pagesOf(async (after: ModuleId | undefined) => {
        const page = await withRetries(transport, options, READ_TIMEOUT_MS, limits =>
          transport.request('listModules', { after }, limits),
        )
        return { entries: page.modules, next: page.next }
      }),
  }
  const interfaces = new Interfaces(calls)
  return calls
}
