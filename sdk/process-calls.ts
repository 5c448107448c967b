import type { AnyContract } from '../contract/index.ts'
import {
  asProcessId,
  type AssignmentView,
  type CallOptions,
  Failure,
  findByPrincipal,
  type InterfaceDescription,
  principalIn,
  type ProcessId,
  type ProcessStateView,
  type ProcessView,
  type Slot,
} from '../protocol/index.ts'
import { contractOf } from './contract-of.ts'
import { findNamed } from './find-named.ts'
import type { ModuleCalls } from './module-calls.ts'
import { pagesOf } from './pages.ts'
import { withRetries } from './retry.ts'
import type { Transport } from './transport.ts'

const READ_TIMEOUT_MS = 30_000

/** What a client reads of processes and their feeds. */
export interface ProcessCalls {
  get(id: string, options?: CallOptions): Promise<ProcessStateView>
  /** The id of a process by its id, Name tag or principal. @throws {Failure} `unknown-process`, `ambiguous-name` */
  find(named: string, options?: CallOptions): Promise<ProcessId>
  /** What the module in force says that a process promises, as JSON. @throws {Failure} `no-contract` */
  interface(idOrName: string, options?: CallOptions): Promise<InterfaceDescription>
  /** The same as a contract: `client.process(await client.processes.contract(id), id)`. @throws {Failure} `no-contract` */
  contract(idOrName: string, options?: CallOptions): Promise<AnyContract>
  /** All processes the node knows, page by page. */
  list(options?: CallOptions): AsyncIterable<ProcessView>
  /** The envelope in slot 0: all that is needed to check the rest. */
  spawnEnvelope(id: string, options?: CallOptions): Promise<Uint8Array>
  /** What stands in a slot. */
  slot(id: string, slot: Slot, options?: CallOptions): Promise<AssignmentView>
  /** Assignments in slot order, page by page, up to the present end of the feed. */
  slots(id: string, options?: CallOptions & { readonly from?: Slot | undefined }): AsyncIterable<AssignmentView>
}

export function processCalls(transport: Transport, modules: Pick<ModuleCalls, 'interface'>): ProcessCalls {
  const read = <T>(options: CallOptions, ask: (limits: CallOptions) => Promise<T>) =>
    withRetries(transport, options, READ_TIMEOUT_MS, ask)
  const calls: ProcessCalls = {
    get: (id, options = {}) =>
      read(options, limits => transport.request('process', { process: asProcessId(id) }, limits)),
    find: async (named, options = {}) => {
      const principal = principalIn(named)
      if (principal === undefined)
        return asProcessId(await findNamed(named, () => calls.list(options), 'unknown-process'))
      const processes = async (page: { after: ProcessId; limit: number }) =>
        (await read(options, limits => transport.request('listProcesses', page, limits))).processes
      const found = await findByPrincipal({ processes }, principal)
      if (found === undefined) throw new Failure('unknown-process', { principal: named })
      return asProcessId(found.id)
    },
    interface: async (idOrName, options) => {
      const { moduleInForce } = await calls.get(await calls.find(idOrName, options), options)
      return modules.interface(moduleInForce, options)
    },
    contract: async (idOrName, options) => contractOf(await calls.interface(idOrName, options)),
    list: (options = {}) =>
      pagesOf(async (after: ProcessId | undefined) => {
        const page = await read(options, limits => transport.request('listProcesses', { after }, limits))
        return { entries: page.processes, next: page.next }
      }),
    spawnEnvelope: (id, options = {}) =>
      read(options, limits => transport.request('spawnEnvelope', { process: asProcessId(id) }, limits)),
    slot: (id, slot, options = {}) =>
      read(options, limits => transport.request('slot', { process: asProcessId(id), slot }, limits)),
    slots: (id, { from: first, ...options } = {}) =>
      pagesOf(async (next: Slot | undefined) => {
        const from = next ?? first
        const page = await read(options, limits =>
          transport.request('listSlots', { process: asProcessId(id), from }, limits),
        )
        return { entries: page.assignments, next: page.next }
      }),
  }
  return calls
}
