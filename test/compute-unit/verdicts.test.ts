import { expect, it } from 'vitest'
import { verdictsOn } from '../../compute-unit/index.ts'
import {
  asProcessId,
  blsSecret,
  describeProcess,
  encodeFrame,
  type Envelope,
  Failure,
  type Notary,
  type ProcessDescription,
  principalOf,
} from '../../protocol/index.ts'
import { signedByCanister } from '../fakes/canister-signed.ts'
import { messageItem, spawnItem } from '../fakes/signed-items.ts'
import { callContent, NOW_MS } from '../fakes/signed-requests.ts'
import { NO_MODULE, SCHEDULER } from '../scheduler-unit/scheduler-harness.ts'

const spawn = spawnItem(NO_MODULE, SCHEDULER)
const process: ProcessDescription = describeProcess({ kind: 'item', item: spawn.bytes })
const signed = (method: string): Envelope => ({
  kind: 'ingress',
  bytes: signedByCanister(callContent({ canister_id: principalOf(process.id), method_name: method }), {
    canister: new Uint8Array(10).fill(3),
    seed: new Uint8Array(32).fill(7),
    root: blsSecret(new Uint8Array(32), 'test'),
  }),
})

/** Verdicts on slots 1 and up of a feed that somebody else wrote. */
async function verdicts(envelopes: readonly Envelope[], notary: Notary): Promise<string[]> {
  const assignments = envelopes.map(envelope => ({ timestampMs: NOW_MS, envelope }))
  const given = await verdictsOn(process, 1, encodeFrame(1, assignments), false, {
    directory: { process: async id => (id === asProcessId(spawn.id) ? process : undefined) },
    messages: { slotsOf: async (_, ids) => ids.map(() => undefined) },
    notary,
  })
  return given.map(({ status }) => status)
}

it('of requests in a feed of somebody else, those that canisters may have signed are looked at elsewhere', async () => {
  const asked: Uint8Array[] = []
  const refute: Notary['refute'] = async bytes => {
    asked.push(bytes)
    return { reason: 'signature', text: 'Invalid signature' }
  }
  const [one, other] = [signed('one'), signed('other')]
  const item: Envelope = { kind: 'item', item: messageItem(process.id).bytes }
  expect(await verdicts([one, item, other], { refute })).toEqual(['refused', 'ok', 'refused'])
  expect(asked).toEqual([one, other].map(envelope => 'bytes' in envelope && envelope.bytes))
})

it('a request in a feed that nobody could look at is not refused: whoever looks later must find the same', async () => {
  const refute = (): Promise<never> => Promise.reject(new Failure('host-fault'))
  await expect(verdicts([signed('one')], { refute })).rejects.toMatchObject({ code: 'host-fault' })
})
