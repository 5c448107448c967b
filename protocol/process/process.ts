import { fromUtf8 } from '../codec/bytes.ts'
import { type DataItem, parseDataItem } from '../items/data-item.ts'
import { Failure } from '../failures/failure.ts'
import type { Envelope } from '../feeds/frame.ts'
import type { FeedPrologue } from '../feeds/log-port.ts'
import { asKeyId, asModuleId, asProcessId, isId, type KeyId, type ModuleId, type ProcessId } from '../ids.ts'
import { decodePushBody } from './push.ts'
import { findTag, namesScheduler, type Tag } from '../items/tags.ts'

/** Who orders the messages of a process, and whose results count as the process's own word. */
export interface ProcessPolicy {
  /** Scheduler keys, in order of the `Scheduler` tags. */
  readonly schedulers: readonly KeyId[]
  /** How many of them must sign a block: more than half, if the spawn does not say. */
  readonly schedulerQuorum: number
  /** Compute unit keys, in order of the `Compute-Unit` tags; the schedulers, if none is named. */
  readonly computeUnits: readonly KeyId[]
  /** How many of them must agree before a result is the process's own. */
  readonly computeQuorum: number
  /** Position of the first of them: units of later epochs are counted on, so that a position names one unit for ever. */
  readonly unitsFrom?: number | undefined
}

/** Who had the word in a process, from some block of its feed on. */
export interface ProcessEpoch {
  /** 0 as spawned; one more with each handover. */
  readonly epoch: number
  readonly policy: ProcessPolicy
  /** Blocks of earlier epochs with which its feed begins. */
  readonly prologue?: FeedPrologue | undefined
  /** The first slot it gives. */
  readonly firstSlot?: number | undefined
}

/** What a spawn message fixes for ever, and what its owner's epoch records made of it. */
export interface ProcessDescription extends ProcessEpoch {
  readonly id: ProcessId
  readonly module: ModuleId
  /** Epochs before the present one, the first first. */
  readonly earlier?: readonly ProcessEpoch[] | undefined
  /** Address of the signer, or the id of the parent process. */
  readonly owner: string
  readonly parent: ProcessId | undefined
  readonly tags: readonly Tag[]
  readonly data: Uint8Array
}

/** Reads a process out of the envelope in its slot 0. @throws {Failure} `wrong-type`, `malformed-item` */
export function describeProcess(envelope: Envelope): ProcessDescription {
  if (envelope.kind === 'item') return describeSpawnItem(parseDataItem(envelope.item))
  if (envelope.kind !== 'push') throw new Failure('wrong-type', { kind: envelope.kind }, { note: 'not a spawn' })
  const { core } = envelope.push
  const body = decodePushBody(envelope.push.bodyBytes)
  if (body.kind !== 'spawn') throw new Failure('wrong-type', { kind: body.kind }, { note: 'not a spawn' })
  return {
    id: core.to,
    owner: core.from,
    parent: core.from,
    ...describeTags(body.tags),
    data: body.data,
  }
}

/** Reads a process out of a signed spawn item. @throws {Failure} `wrong-type` */
export function describeSpawnItem(item: DataItem): ProcessDescription {
  return {
    id: asProcessId(item.id),
    owner: item.ownerAddress,
    parent: undefined,
    ...describeTags(item.tags),
    data: item.data,
  }
}

function describeTags(tags: readonly Tag[]): Pick<ProcessDescription, 'module' | 'policy' | 'epoch' | 'tags'> {
  const module = findTag(tags, 'Module')
  if (module === undefined || !isId(module))
    throw new Failure('wrong-type', {}, { note: 'a spawn needs a Module tag with an id' })
  return { module: asModuleId(module), policy: readPolicy(tags), epoch: 0, tags }
}

/** Reads the policy tags of a spawn. @throws {Failure} `wrong-type` */
export function readPolicy(tags: readonly Tag[]): ProcessPolicy {
  const schedulers = keysOf(tags.filter(namesScheduler))
  if (schedulers.length === 0) throw new Failure('wrong-type', {}, { note: 'a spawn needs a Scheduler tag' })
  const named = keysOf(tags.filter(({ name }) => name === 'Compute-Unit'))
  const computeUnits = named.length > 0 ? named : schedulers
  const schedulerQuorum = quorumOf(tags, 'Scheduler-Quorum', schedulers.length, Math.floor(schedulers.length / 2) + 1)
  const computeQuorum = quorumOf(tags, 'Compute-Quorum', computeUnits.length)
  return { schedulers, schedulerQuorum, computeUnits, computeQuorum }
}

function keysOf(tags: readonly Tag[]): KeyId[] {
  const keys: KeyId[] = []
  for (const tag of tags) {
    if (!isId(tag.value))
      throw new Failure('wrong-type', { tag: tag.name }, { note: 'expected a key of 43 characters' })
    const key = asKeyId(tag.value)
    // Clients of AO append the Scheduler that they are told of, whether their user named it or not.
    if (!keys.includes(key)) keys.push(key)
  }
  return keys
}

function quorumOf(tags: readonly Tag[], name: string, units: number, usual = 1): number {
  const text = findTag(tags, name)
  if (text === undefined) return usual
  const quorum = Number(text)
  if (!Number.isInteger(quorum) || quorum < 1 || quorum > units) {
    throw new Failure('wrong-type', { tag: name, value: text }, { note: `expected 1 to ${units}` })
  }
  return quorum
}

/** The tags that carry `policy` to a child which names none of its own. */
export function policyTags(policy: ProcessPolicy): Tag[] {
  return [
    ...policy.schedulers.map(value => ({ name: 'Scheduler', value })),
    { name: 'Scheduler-Quorum', value: String(policy.schedulerQuorum) },
    ...policy.computeUnits.map(value => ({ name: 'Compute-Unit', value })),
    { name: 'Compute-Quorum', value: String(policy.computeQuorum) },
  ]
}

/** A module as its signed item tells it. */
export interface ModuleDescription {
  readonly id: ModuleId
  readonly owner: string
  /** `actor`, or one of AO's Module-Format names. */
  readonly format: string
  readonly tags: readonly Tag[]
  readonly wasm: Uint8Array
}

/** Reads a module out of its signed item. @throws {Failure} `wrong-type` */
export function describeModule(item: DataItem): ModuleDescription {
  const format = findTag(item.tags, 'Module-Format')
  if (findTag(item.tags, 'Type') !== 'Module' || format === undefined) {
    throw new Failure('wrong-type', {}, { note: 'a module needs Type=Module and Module-Format' })
  }
  return { id: asModuleId(item.id), owner: item.ownerAddress, format, tags: item.tags, wasm: item.data }
}

/** Text of a message's data, or nothing if it is not UTF-8. */
export function dataText(data: Uint8Array): string | undefined {
  try {
    return fromUtf8(data)
  } catch {
    return undefined
  }
}
