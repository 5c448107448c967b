import {
  checkMessageFields,
  checkModuleFields,
  checkSpawnFields,
  type Control,
  controlTags,
  createDataItem,
  type DataItem,
  type DataItemFields,
  Failure,
  type Signer,
  type Slot,
  type Tag,
} from '../protocol/index.ts'

/** What a caller says of a message; the rest is filled in. */
export interface MessageFields {
  /** Becomes an `Action` tag before the others. */
  readonly action?: string | undefined
  readonly tags?: readonly Tag[] | undefined
  readonly data?: Uint8Array | string | undefined
  /** 32 bytes that make the message unlike its like; random if not given. */
  readonly anchor?: Uint8Array | undefined
}

/** A message for a process. */
export interface SendFields extends MessageFields {
  readonly process: string
  /** Signs instead of the client's own signer. */
  readonly signer?: Signer | undefined
}

/** A question to a process, which leaves no trace. */
export interface QueryFields {
  readonly process: string
  readonly action?: string | undefined
  readonly tags?: readonly Tag[] | undefined
  readonly data?: Uint8Array | string | undefined
  /** Who is said to ask; the signer's address, if there is a signer. Nobody vouches for it. */
  readonly from?: string | undefined
  /** Asks the state after this slot, instead of the present one. */
  readonly at?: Slot | undefined
}

const VARIANT = 'ao.TN.1'

/** Names of tags that this side writes; what a caller gives under them is dropped, but for a reader's own `Variant`. */
const OWN_TAGS: ReadonlySet<string> = new Set(['Data-Protocol', 'Variant', 'Type', 'SDK'])

/** The caller's tags, then those that say what the item is, in the order in which AO's clients write them. */
export function fullTags(
  type: 'Message' | 'Process' | 'Module' | 'Control',
  fields: MessageFields,
  extra: readonly Tag[] = [],
): Tag[] {
  const taken = new Set([...OWN_TAGS, ...extra.map(tag => tag.name)])
  return [
    ...(fields.action === undefined ? [] : [{ name: 'Action', value: fields.action }]),
    ...(fields.tags ?? []).filter(tag => !taken.has(tag.name)),
    { name: 'Data-Protocol', value: 'ao' },
    { name: 'Variant', value: VARIANT },
    { name: 'Type', value: type },
    ...extra,
    { name: 'SDK', value: 'atoll' },
  ]
}

/**
 * Signs a message for a process. Ed25519 signs the same words the same way, so a random anchor makes two
 * messages of them; who sends one item twice still gets one slot.
 */
export async function signMessage(process: string, fields: MessageFields, signer: Signer): Promise<DataItem> {
  checkMessageFields({ ...fields, process })
  const anchor = fields.anchor ?? globalThis.crypto.getRandomValues(new Uint8Array(32))
  return sign({ target: process, anchor, tags: fullTags('Message', fields), data: fields.data ?? '' }, signer)
}

/** Signs a control message: what the owner of a process has done to it. */
export function signControl(
  process: string,
  control: Control,
  signer: Signer,
  data: string | Uint8Array = '',
): Promise<DataItem> {
  const anchor = globalThis.crypto.getRandomValues(new Uint8Array(32))
  const tags = fullTags('Control', {}, controlTags(control))
  return sign({ target: process, anchor, tags, data }, signer)
}

/** What a caller says of a new process. */
export interface SpawnFields extends Omit<MessageFields, 'action'> {
  /** The id of its module. */
  readonly module: string
  /** Keys of its schedulers, and how many must sign; the connected node's, and 1. */
  readonly schedulers?: readonly string[] | undefined
  readonly schedulerQuorum?: number | undefined
  /** Keys of its compute units, and how many must agree; the schedulers, and 1. */
  readonly computeUnits?: readonly string[] | undefined
  readonly computeQuorum?: number | undefined
  /** The same in one piece; what is said above comes before it. */
  readonly policy?: SpawnPolicy | undefined
}

/** Who orders the messages of a process, and whose word about its results counts. */
export interface SpawnPolicy {
  readonly schedulers?: readonly string[] | undefined
  readonly compute?: { readonly units?: readonly string[] | undefined; readonly agree?: number | undefined } | undefined
}

/** Spawn fields with nothing left in `policy`. */
export function withPolicy<F extends SpawnFields>({ policy, ...fields }: F): Omit<F, 'policy'> {
  return {
    ...fields,
    schedulers: fields.schedulers ?? policy?.schedulers,
    computeUnits: fields.computeUnits ?? policy?.compute?.units,
    computeQuorum: fields.computeQuorum ?? policy?.compute?.agree,
  }
}

/** Signs the message that makes a process. */
export async function signSpawn(fields: SpawnFields, schedulers: readonly string[], signer: Signer): Promise<DataItem> {
  checkSpawnFields(fields)
  const extra: Tag[] = [
    { name: 'Module', value: fields.module },
    ...schedulers.map(value => ({ name: 'Scheduler', value })),
    ...(fields.schedulerQuorum === undefined
      ? []
      : [{ name: 'Scheduler-Quorum', value: String(fields.schedulerQuorum) }]),
    ...(fields.computeUnits ?? []).map(value => ({ name: 'Compute-Unit', value })),
    ...(fields.computeQuorum === undefined ? [] : [{ name: 'Compute-Quorum', value: String(fields.computeQuorum) }]),
  ]
  const anchor = fields.anchor ?? globalThis.crypto.getRandomValues(new Uint8Array(32))
  return sign({ anchor, tags: fullTags('Process', fields, extra), data: fields.data ?? '' }, signer)
}

/** What a caller says of a new module. */
export interface ModuleFields {
  /** `actor`, or one of AO's Module-Format names. */
  readonly format: string
  readonly tags?: readonly Tag[] | undefined
}

/** Signs a module. Without an anchor: the same bytes by the same Ed25519 key are the same module. */
export async function signModule(wasm: Uint8Array, fields: ModuleFields, signer: Signer): Promise<DataItem> {
  checkModuleFields({ ...fields, wasm })
  const extra: Tag[] = [{ name: 'Module-Format', value: fields.format }]
  return sign({ tags: fullTags('Module', fields, extra), data: wasm }, signer)
}

async function sign(fields: DataItemFields, signer: Signer): Promise<DataItem> {
  try {
    return await createDataItem(fields, signer)
  } catch (cause) {
    // Tags beyond what an item holds, those that are added here included.
    if (cause instanceof RangeError) throw new Failure('malformed-request', { problems: [cause.message] }, { cause })
    throw cause
  }
}
