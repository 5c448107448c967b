import type { AnyContract } from '../contract/index.ts'
import {
  asProcessId,
  type AssignmentView,
  type CallOptions,
  type InterfaceDescription,
  type ProcessId,
  type ProcessStateView,
  type ProcessView,
  type Slot,
} from '../protocol/index.ts'
import { contractOf } from './contract-of.ts'
import { findNamed } from './find-named.ts'
import type { Interfaces } from './interfaces.ts'
import { pagesOf } from './pages.ts'
import { withRetries } from './retry.ts'
import type { Transport } from './transport.ts'

const READ_TIMEOUT_MS = 30_000

/** What a client reads of processes and their feeds. */
export interface ProcessCalls {
  get(id: string, options?: CallOptions): Promise<ProcessStateView>
  /** The id of a process by its id or Name tag. @throws {Failure} `unknown-process`, `ambiguous-name` */
  find(idOrName: string, options?: CallOptions): Promise<ProcessId>
  /** What the module of a process says that it promises, as JSON. @throws {Failure} `no-contract` */
  interface(id: string, options?: CallOptions): Promise<InterfaceDescription>
  /** The same as a contract: `client.process(await client.processes.contract(id), id)`. @throws {Failure} `no-contract` */
  contract(id: string, options?: CallOptions): Promise<AnyContract>
  /** All processes the node knows, page by page. */
  list(options?: CallOptions): AsyncIterable<ProcessView>
  /** The envelope in slot 0: all that is needed to check the rest. */
  spawnEnvelope(id: string, options?: CallOptions): Promise<Uint8Array>
  /** What stands in a slot. */
  slot(id: string, slot: Slot, options?: CallOptions): Promise<AssignmentView>
  /** Assignments in slot order, page by page, up to the present end of the feed. */
  slots(
    id: string,
    options?: CallOptions & { readonly from?: Slot | undefined },
  ): AsyncIterable<AssignmentView>
}

export function processCalls(transport: Transport, interfaces: Interfaces): ProcessCalls {
  const read = <T>(options: CallOptions, ask: (limits: CallOptions) => Promise<T>) =>
    withRetries(options, READ_TIMEOUT_MS, ask)
  const calls: ProcessCalls = {
    get: (id, options = {}) =>
      read(options, limits => transport.request('process', { process: asProcessId(id) }, limits)),
    find: async (idOrName, options) =>
      asProcessId(await findNamed(idOrName, () => calls.list(options), 'unknown-process')),
    interface: async (id, options) => interfaces.of((await calls.get(id, options)).moduleInForce, options),
    contract: async (id, options) => contractOf(await calls.interface(id, options)),
    list: (options = {}) =>
      pagesOf(async (after: ProcessId | undefined) => {
        const page = await read(options, limits =>
          transport.request('listProcesses', { after }, limits),
        )
        return { entries: page.processes, next: page.next }
      }),
    spawnEnvelope: (id, options = {}) =>
      read(options, limits =>
        transport.request('spawnEnvelope', { process: asProcessId(id) }, limits),
      ),
    slot: (id, slot, options = {}) =>
      read(options, limits =>
        transport.request('slot', { process: asProcessId(id), slot }, limits),
      ),
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
