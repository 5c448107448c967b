import {
  asKeyId,
  asProcessId,
  type CallOptions,
  createDataItem,
  encodeEpochHold,
  encodeEpochRecord,
  EPOCH_TAGS,
  type EpochView,
  Failure,
  HANDOVER_HOLD_MAX_MS,
  HOLD_TAGS,
  type HandoverStand,
  type KeyId,
  type ProcessId,
  type Signer,
} from '../protocol/index.ts'
import { aroundOf } from './surroundings.ts'
import type { Transport } from './transport.ts'

/** To whom a process goes. */
export interface HandoverFields {
  /** Keys of its schedulers from now on. */
  readonly schedulers: readonly string[]
  /** How many of them must sign: more than half, if not given. */
  readonly schedulerQuorum?: number | undefined
  /** Keys of its compute units: those of now, if not given; where those are its schedulers, the new ones. */
  readonly computeUnits?: readonly string[] | undefined
  /** How many of them must agree; as many as now, as far as there are so many. */
  readonly agree?: number | undefined
  /**
   * Hands over though its schedulers do not say where their feed ends. Messages that they acknowledged, and nobody else in reach has,
   * are lost: whoever holds a receipt has proof of it.
   */
  readonly allowLoss?: boolean | undefined
  /** Of the owner; the client's own, if not given. */
  readonly signer?: Signer | undefined
}

/** What a handover came to. */
export interface HandedOver {
  readonly process: ProcessId
  readonly epoch: number
  /** Slots that stay; the first that the new schedulers give. */
  readonly slots: number
  readonly blocks: number
  /** No acknowledged message was lost. */
  readonly held: boolean
}

/** Who schedules a process, and handing it over. */
export interface HandoverCalls {
  /** Who scheduled and evaluated a process, from its spawn on. */
  epochs(id: string, options?: CallOptions): Promise<readonly EpochView[]>
  /** Hands a process over to other schedulers, and compute units; its owner signs. @throws {Failure} `bad-epoch`, `no-quorum`, `unreachable` */
  handover(id: string, fields: HandoverFields, options?: CallOptions): Promise<HandedOver>
}

export function handoverCalls(transport: Transport, signerOr: (signer: Signer | undefined) => Signer): HandoverCalls {
  return {
    epochs: async (id, options = {}) =>
      (await transport.request('listEpochs', { process: asProcessId(id) }, options)).epochs,
    handover: (id, fields, options = {}) =>
      handOver(transport, asProcessId(id), fields, signerOr(fields.signer), options),
  }
}

/** So long the old schedulers take nothing: the rest of the handover must be done well before that. */
const HOLD_MS = HANDOVER_HOLD_MAX_MS - 5_000
const RECORD_WITHIN_MS = HOLD_MS / 2

async function handOver(
  transport: Transport,
  process: ProcessId,
  fields: HandoverFields,
  signer: Signer,
  options: CallOptions,
): Promise<HandedOver> {
  // Its compute units, which tell the rest of what it is, may be gone.
  const { epochs } = await transport.request('listEpochs', { process }, options)
  const state = epochs.at(-1)
  if (state === undefined) throw new Failure('unknown-process', { process })
  const { clock } = aroundOf(transport)
  const startedMs = Math.round(clock.now())
  const hold = encodeEpochHold({ process, epoch: state.epoch, untilMs: startedMs + HOLD_MS })
  const order = await createDataItem({ target: process, tags: HOLD_TAGS, data: hold }, signer)
  const stand = await transport.request('prepareHandover', { process, bytes: order.bytes }, options)
  if (!stand.held && fields.allowLoss !== true) {
    throw new Failure(
      'no-quorum',
      { process, blocks: stand.blocks, slots: stand.slots },
      {
        note: 'its schedulers do not answer; with allowLoss (--allow-loss) it goes on without them, and what they acknowledged lately may be lost',
      },
    )
  }
  // After that they would go on, and what they give a slot then would be lost.
  if (clock.now() - startedMs > RECORD_WITHIN_MS)
    throw new Failure('timeout', { process }, { note: 'nothing was handed over' })
  const body = encodeEpochRecord({
    process,
    epoch: state.epoch + 1,
    policy: policyOf(state, fields),
    prologue: { length: stand.blocks, hash: stand.hash },
    slots: stand.slots,
    previous: stand.previous,
  })
  const record = await createDataItem({ target: process, tags: EPOCH_TAGS, data: body }, signer)
  const { epoch } = await transport.request('handOver', { process, bytes: record.bytes }, options)
  return shown(stand, epoch)
}

function shown({ process, slots, blocks, held }: HandoverStand, epoch: number): HandedOver {
  return { process, epoch, slots, blocks, held }
}

function policyOf(
  { policy }: EpochView,
  fields: HandoverFields,
): { schedulers: KeyId[]; schedulerQuorum: number; computeUnits: KeyId[]; computeQuorum: number } {
  const schedulers = fields.schedulers.map(asKeyId)
  const isAlike = policy.computeUnits.join() === policy.schedulers.join()
  const computeUnits = fields.computeUnits?.map(asKeyId) ?? (isAlike ? schedulers : [...policy.computeUnits])
  return {
    schedulers,
    schedulerQuorum: fields.schedulerQuorum ?? Math.floor(schedulers.length / 2) + 1,
    computeUnits,
    computeQuorum: fields.agree ?? Math.min(policy.computeQuorum, computeUnits.length),
  }
}
