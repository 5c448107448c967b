import {
  asModuleId,
  asProcessId,
  type CallOptions,
  type Control,
  Failure,
  ITEM_SIZE_MAX_BYTES,
  type LifecycleView,
  type PendingRule,
  type ResultView,
  RESTORE_SPAWN,
  type Signer,
  type Slot,
  type StateView,
  type Tag,
  type TimersView,
  toUtf8,
  type UpgradeCheckView,
} from '../protocol/index.ts'
import { signControl, type SpawnFields } from './message-item.ts'
import type { ProcessHandle } from './process-handle.ts'
import { pause, untilThere, withRetries } from './retry.ts'
import type { Sent } from './sent.ts'
import { aroundOf } from './surroundings.ts'
import type { Transport } from './transport.ts'

const READ_TIMEOUT_MS = 30_000
/** Replaying a long feed takes its time. */
const STATE_TIMEOUT_MS = 10 * 60_000
/** How long a node holds one request for a state: whoever waits is told that often how far it came. */
const STATE_HOLD_MS = 2_000
const CONTROL_TIMEOUT_MS = 60_000
const PENDING_PAUSE_MS = 500
/** What the tags, keys and signature of a spawn may take beside its data. */
const SPAWN_OVERHEAD_BYTES = 16 * 1024

/** What came of a control message. */
export interface Controlled {
  readonly sent: Sent
  readonly result: ResultView
}

interface Signed {
  /** Signs instead of the client's own signer; has to be the owner. */
  readonly signer?: Signer | undefined
}

export interface UpgradeFields extends Signed {
  readonly module: string
  /** What becomes of open calls: they are waited for, or rejected with `upgraded`. */
  readonly pending?: PendingRule | undefined
  /** False: no state is kept to roll back to. */
  readonly keeps?: boolean | undefined
}

export interface StateOptions extends CallOptions {
  /** The last slot it shall have seen; the last that is evaluated. */
  readonly at?: Slot | undefined
  /** Told now and then how many slots of the way are done. */
  readonly onProgress?: ((reached: Slot, slot: Slot) => void) | undefined
}

export interface ForkFields extends Signed {
  readonly at?: Slot | undefined
  readonly name?: string | undefined
  /** False: the copy begins without the timers of the original. */
  readonly schedules?: boolean | undefined
}

/** What a client does with the modules and states of processes. */
export interface LifecycleCalls {
  /** The module in force, those before it, and the states that are kept. */
  lifecycle(id: string, options?: CallOptions): Promise<LifecycleView>
  /** The state after a slot. @throws {Failure} `no-document`, `unknown-slot`, `timeout` */
  stateAt(id: string, options?: StateOptions): Promise<StateView>
  timers(id: string, options?: CallOptions): Promise<TimersView['timers']>
  /** Tries an upgrade on a copy; `replay` messages are given to both modules. */
  checkUpgrade(
    id: string,
    wish: {
      readonly module: string
      readonly pending?: PendingRule | undefined
      readonly replay?: number | undefined
    },
    options?: CallOptions,
  ): Promise<UpgradeCheckView>
  /** Replaces the module. With `pending: 'wait'` it is tried until no call is open, or time is up. */
  upgrade(id: string, fields: UpgradeFields, options?: CallOptions): Promise<Controlled>
  /** Goes back to the module and state before the last upgrade. */
  rollback(
    id: string,
    fields?: Signed & { readonly pending?: PendingRule | undefined },
    options?: CallOptions,
  ): Promise<Controlled>
  /** Has the process keep its present state under a name. */
  snapshot(id: string, name: string, fields?: Signed, options?: CallOptions): Promise<Controlled>
  /** Puts a kept state, or a document, in place of the present one. */
  restore(
    id: string,
    from: { readonly name: string } | { readonly document: unknown },
    fields?: Signed & { readonly pending?: PendingRule | undefined },
    options?: CallOptions,
  ): Promise<Controlled>
  forget(id: string, name: string, fields?: Signed, options?: CallOptions): Promise<Controlled>
  cancelTimer(id: string, timer: string, fields?: Signed, options?: CallOptions): Promise<Controlled>
  /** Has a timer fire now. */
  runTimer(id: string, timer: string, fields?: Signed, options?: CallOptions): Promise<Controlled>
  /** Makes a process of one's own that begins with the state of another. */
  fork(id: string, fields?: ForkFields, options?: CallOptions): Promise<ProcessHandle>
}

export interface LifecycleParts {
  readonly transport: Transport
  signerOr(signer: Signer | undefined): Signer
  /** Hands in one signed item. */
  send(item: Uint8Array, options: CallOptions): Promise<Sent>
  spawn(fields: SpawnFields & Signed, options: CallOptions): Promise<ProcessHandle>
}

export function lifecycleCalls(parts: LifecycleParts): LifecycleCalls {
  const { transport } = parts
  const read = <T>(options: CallOptions, ask: (limits: CallOptions) => Promise<T>) =>
    withRetries(transport, options, READ_TIMEOUT_MS, ask)
  const control = (id: string, what: Control, { signer }: Signed = {}, options: CallOptions = {}) =>
    sendControl(parts, { id, control: what, signer }, options)
  const calls: Pick<LifecycleCalls, 'lifecycle' | 'stateAt' | 'timers' | 'checkUpgrade'> = {
    lifecycle: (id, options = {}) =>
      read(options, limits => transport.request('lifecycle', { process: asProcessId(id) }, limits)),
    stateAt: (id, options = {}) => stateAt(transport, id, options),
    timers: async (id, options = {}) => {
      const process = asProcessId(id)
      return (await read(options, limits => transport.request('timers', { process }, limits))).timers
    },
    checkUpgrade: (id, { module, pending, replay }, options = {}) =>
      untilThere(transport, options, STATE_TIMEOUT_MS, (wait_ms, limits) => {
        const wish = {
          process: asProcessId(id),
          module: asModuleId(module),
          pending,
          replay,
          wait_ms,
        }
        return transport.request('checkUpgrade', wish, limits)
      }),
  }
  return {
    ...calls,
    upgrade: (id, fields, options = {}) => {
      const { module, pending = 'wait', keeps = true, signer } = fields
      const what: Control = { action: 'Upgrade', module: asModuleId(module), pending, keeps }
      return untilNonePending(transport, () => control(id, what, { signer }, options), pending, options)
    },
    rollback: async (id, { pending = 'reject', signer } = {}, options = {}) => {
      const { snapshots } = await calls.lifecycle(id, options)
      const last = snapshots.findLast(one => one.isAutomatic)
      if (last === undefined)
        throw new Failure('nothing-kept', { process: id }, { note: 'no upgrade left a state to go back to' })
      return control(id, { action: 'Rollback', module: last.module, pending }, { signer }, options)
    },
    snapshot: (id, name, fields, options) => control(id, { action: 'Snapshot', name }, fields, options),
    forget: (id, name, fields, options) => control(id, { action: 'Forget', name }, fields, options),
    restore: (id, from, { pending = 'wait', signer } = {}, options = {}) => {
      const name = 'name' in from ? from.name : undefined
      const data = 'document' in from ? JSON.stringify(from.document) : undefined
      const what: Control = { action: 'Restore', name, pending }
      return sendControl(parts, { id, control: what, signer, data }, options)
    },
    cancelTimer: (id, timer, fields, options) =>
      control(id, { action: 'Cancel-Timer', timer: toUtf8(timer) }, fields, options),
    runTimer: (id, timer, fields, options) =>
      control(id, { action: 'Run-Timer', timer: toUtf8(timer) }, fields, options),
    fork: (id, fields = {}, options = {}) => fork(parts, id, fields, options),
  }
}

interface ControlRequest extends Signed {
  readonly id: string
  readonly control: Control
  readonly data?: string | undefined
}

async function sendControl(
  parts: LifecycleParts,
  { id, control, signer, data }: ControlRequest,
  options: CallOptions,
): Promise<Controlled> {
  const item = await signControl(asProcessId(id), control, parts.signerOr(signer), data)
  if (item.bytes.length > ITEM_SIZE_MAX_BYTES)
    throw new Failure('too-large', { bytes: item.bytes.length, max: ITEM_SIZE_MAX_BYTES })
  const sent = await parts.send(item.bytes, options)
  return { sent, result: await sent.result({ timeoutMs: CONTROL_TIMEOUT_MS, ...options }) }
}

/** The process says no while calls are open; each try is a slot of its own. */
async function untilNonePending(
  transport: Transport,
  send: () => Promise<Controlled>,
  pending: PendingRule,
  { signal, timeoutMs = CONTROL_TIMEOUT_MS }: CallOptions,
): Promise<Controlled> {
  const { clock } = aroundOf(transport)
  const deadline = clock.now() + timeoutMs
  for (let pauseMs = PENDING_PAUSE_MS; ; pauseMs *= 2) {
    const done = await send()
    const isPending = pending === 'wait' && done.result.error?.code === 'pending-calls'
    if (!isPending || clock.now() + pauseMs > deadline) return done
    await pause({ clock }, pauseMs, signal)
  }
}

function stateAt(transport: Transport, id: string, { at, onProgress, ...options }: StateOptions): Promise<StateView> {
  return untilThere(transport, options, STATE_TIMEOUT_MS, async (waitMs, limits) => {
    const wait_ms = Math.min(waitMs, STATE_HOLD_MS)
    try {
      return await transport.request('state', { process: asProcessId(id), at, wait_ms }, limits)
    } catch (error) {
      if (Failure.is(error, 'timeout')) {
        const { reached, slot } = error.details
        if (typeof reached === 'number' && typeof slot === 'number') onProgress?.(reached, slot)
      }
      throw error
    }
  })
}

/** Tags that say what the original is, and not what it is like. */
const NOT_COPIED: ReadonlySet<string> = new Set([
  'Data-Protocol',
  'Variant',
  'Type',
  'SDK',
  'Module',
  'Scheduler',
  'Scheduler-Quorum',
  'Compute-Unit',
  'Compute-Quorum',
  'Name',
  'Content-Type',
  'Forked-From',
  RESTORE_SPAWN.name,
])

async function fork(
  parts: LifecycleParts,
  id: string,
  { at, name, schedules = true, signer }: ForkFields,
  options: CallOptions,
): Promise<ProcessHandle> {
  const process = asProcessId(id)
  const [{ slot, module, document }, { tags }] = await Promise.all([
    stateAt(parts.transport, id, { ...options, at }),
    withRetries(parts.transport, options, READ_TIMEOUT_MS, limits =>
      parts.transport.request('process', { process }, limits),
    ),
  ])
  // Nobody waits for answers of the copy.
  const begun = { ...document, ...('pending' in document && { pending: [] }) }
  const data = toUtf8(JSON.stringify(schedules ? begun : withoutTimers(begun)))
  if (data.length > ITEM_SIZE_MAX_BYTES - SPAWN_OVERHEAD_BYTES)
    throw new Failure(
      'too-large',
      { bytes: data.length, max: ITEM_SIZE_MAX_BYTES },
      { note: 'the state does not fit into a spawn message' },
    )
  const own: Tag[] = [
    ...(name === undefined ? [] : [{ name: 'Name', value: name }]),
    { name: 'Forked-From', value: `${id}@${slot}` },
    RESTORE_SPAWN,
  ]
  const copied = tags.filter(tag => !NOT_COPIED.has(tag.name))
  return parts.spawn({ module, tags: [...own, ...copied], data, signer }, options)
}

function withoutTimers(document: object): object {
  return {
    ...document,
    ...('schedules' in document && { schedules: [] }),
    ...('timers' in document && { timers: [] }),
  }
}
