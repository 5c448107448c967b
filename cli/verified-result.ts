import {
  asProcessId,
  type CallOptions,
  decodeFeedPage,
  envelopeId,
  Failure,
  parseDataItem,
  type Slot,
  verifyDataItem,
} from '../protocol/index.ts'
import { type Client, type VerifiedResult, verifyResult } from '../sdk/index.ts'

/** A process can be the child of a child, and so on; deeper families are not met. */
const ANCESTORS_MAX = 64

/**
 * Fetches all that proves a result, and checks it here: nothing of it is taken on the node's word. With `message`,
 * also that it is the result of that message.
 * @throws {Failure} `verification-failed`
 */
export async function verifiedResult(
  client: Client,
  process: string,
  slot: Slot,
  { message, ...limits }: CallOptions & { readonly message?: string | undefined } = {},
): Promise<VerifiedResult> {
  const [certified, { envelopes, epochs }, { block }] = await Promise.all([
    client.certifiedResult(process, slot, limits),
    lineageOf(client, process, limits),
    client.processes.slot(process, slot, limits),
  ])
  const page = await client.transport.request(
    'frames',
    { process: asProcessId(process), from_block: block, limit: 1 },
    limits,
  )
  const [frame] = decodeFeedPage(page).blocks
  const verified = verifyResult(certified, envelopes, { frame, epochs })
  const envelope = verified.assignment?.envelope
  if (
    envelope === undefined ||
    (message !== undefined && envelopeId(envelope, verified.process.id, slot) !== message)
  ) {
    throw new Failure('verification-failed', { process, slot }, { note: 'another message stands in the slot' })
  }
  if (envelope.kind === 'item' && !verifyDataItem(parseDataItem(envelope.item))) {
    throw new Failure('verification-failed', { process, slot }, { note: 'the signature of the message does not hold' })
  }
  return verified
}

/** The spawn message of a process and those of its ancestors, nearest first, and the epoch records of each. */
export async function lineageOf(
  client: Client,
  process: string,
  limits: CallOptions,
): Promise<{ envelopes: Uint8Array[]; epochs: Uint8Array[][] }> {
  const [envelopes, epochs]: [Uint8Array[], Uint8Array[][]] = [[], []]
  for (let id: string | undefined = process; id !== undefined; ) {
    if (envelopes.length >= ANCESTORS_MAX)
      throw new Failure('verification-failed', { process }, { note: 'too many ancestors' })
    envelopes.push(await client.processes.spawnEnvelope(id, limits))
    epochs.push(await epochItems(client, id, limits))
    id = (await client.processes.get(id, limits)).parent
  }
  return { envelopes, epochs }
}

/** The epoch records of a process, the first first. */
async function epochItems(client: Client, process: string, limits: CallOptions): Promise<Uint8Array[]> {
  const items: Uint8Array[] = []
  for (const { epoch } of (await client.processes.epochs(process, limits)).slice(1))
    items.push(await client.transport.request('epochItem', { process: asProcessId(process), epoch }, limits))
  return items
}
