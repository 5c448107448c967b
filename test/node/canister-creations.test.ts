import { describe, expect, it } from 'vitest'
import { CanisterCreations } from '../../node/learning/canister-creations.ts'
import {
  asProcessId,
  decodeIngress,
  emptyCanisterModule,
  encodeEnvelope,
  encodeIc,
  Failure,
  icMap,
  type KeyId,
  type MessageId,
  parseDataItem,
  type ProcessId,
  requestMessageId,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { seededRandom } from '../fakes/seeded-random.ts'
import { spawnItem } from '../fakes/signed-items.ts'

const request = (nonce: number): Uint8Array =>
  encodeIc(
    icMap({
      content: icMap({
        request_type: 'call',
        canister_id: new Uint8Array(0),
        method_name: 'create_canister',
        arg: new Uint8Array(0),
        sender: Uint8Array.of(4),
        ingress_expiry: 1_700_000_000_000_000_000n,
        nonce: Uint8Array.of(nonce),
      }),
    }),
  )
const REQUEST = request(1)
const ID = requestMessageId(decodeIngress(REQUEST).id)

/** A node that makes canisters, and asks those that it is told of. */
class Maker {
  readonly key: KeyId
  readonly creations: CanisterCreations
  readonly made: ProcessId[] = []
  readonly #spawned = new Map<ProcessId, Uint8Array>()
  readonly #noted = new Map<MessageId, ProcessId>()
  readonly #signer: number
  readonly #turns: () => Promise<void>

  constructor(signer: number, kept: () => readonly Maker[], turns: () => Promise<void>) {
    this.#signer = signer
    this.#turns = turns
    this.key = keyOf(signer)
    const at = (peer: KeyId) => kept().find(({ key }) => key === peer)
    this.creations = new CanisterCreations({
      key: this.key,
      peers: () => kept().map(({ key }) => key),
      ask: async (peer, id) => {
        await turns()
        const given = await at(peer)?.answer(id, this.key)
        await turns()
        return given
      },
      learn: async (peer, process) => {
        const envelope = at(peer)?.envelope(process)
        if (envelope === undefined) return undefined
        this.#spawned.set(process, envelope)
        return { id: process }
      },
      spawnEnvelope: async process => this.envelope(process),
    })
    this.creations.tell(async id => this.#noted.get(id))
  }

  envelope(process: ProcessId): Uint8Array | undefined {
    return this.#spawned.get(process)
  }

  answer(id: MessageId, from: KeyId): Promise<Uint8Array | undefined> {
    return this.creations.made(id, from)
  }

  /** What a request makes that comes here; at most one at a time, as its gateway has it. */
  async take(id = ID, body = REQUEST): Promise<ProcessId> {
    const noted = this.#noted.get(id)
    if (noted !== undefined) return noted
    const process = await this.creations.once(id, async () => {
      await this.#turns()
      return this.spawn(body)
    })
    this.#noted.set(id, process)
    return process
  }

  spawn(body: Uint8Array, module = emptyCanisterModule().id): ProcessId {
    const item = spawnItem(module, this.key, {
      tags: { 'Canister-Request': 'ingress' },
      data: body,
      signer: this.#signer,
    })
    const process = asProcessId(parseDataItem(item.bytes).id)
    this.#spawned.set(process, encodeEnvelope({ kind: 'item', item: item.bytes }))
    this.made.push(process)
    return process
  }
}

const turnsOf = (random: () => number) => async (): Promise<void> => {
  for (let left = Math.floor(random() * 12); left > 0; left--) await Promise.resolve()
}

describe('a request for a canister', () => {
  it('makes one, at whichever nodes it comes, at whatever time, if they know each other', async () => {
    for (let seed = 1; seed <= 400; seed++) {
      const random = seededRandom(seed)
      const turns = turnsOf(random)
      const nodes: Maker[] = []
      for (const signer of [1, 2, 3])
        nodes.push(new Maker(signer, () => nodes.filter(node => node !== nodes[signer - 1]), turns))
      const processes = await Promise.all(
        nodes.map(async node => {
          for (let left = Math.floor(random() * 40); left > 0; left--) await Promise.resolve()
          return node.take()
        }),
      )
      expect([seed, new Set(processes).size, nodes.flatMap(({ made }) => made).length]).toEqual([seed, 1, 1])
    }
  })

  it('is made here, if others do not answer, answer with something else, or are not named by the operator', async () => {
    const turns = async (): Promise<void> => undefined
    const broken = new Maker(2, () => [], turns)
    broken.answer = () => Promise.reject(new Failure('unreachable'))
    const liar = new Maker(3, () => [], turns)
    const [wrong, foreign] = [liar.spawn(request(2)), liar.spawn(REQUEST, 'A'.repeat(43))]
    for (const lie of [wrong, foreign]) {
      liar.answer = async () => liar.envelope(lie)
      const here = new Maker(1, () => [broken, liar], turns)
      expect(here.made).toEqual([await here.take()])
    }
    const junk = new Maker(4, () => [], turns)
    junk.answer = async () => Uint8Array.of(1, 2, 3)
    const here = new Maker(1, () => [junk], turns)
    expect(here.made).toEqual([await here.take()])
  })

  it('does not let one go first whom it would not believe', async () => {
    const node = new Maker(
      1,
      () => [
        new Maker(
          2,
          () => [],
          async () => undefined,
        ),
      ],
      async () => undefined,
    )
    const stranger = keyOf(9) < node.key ? keyOf(9) : ('-'.repeat(43) as KeyId)
    const [process, told] = await Promise.all([node.take(), node.creations.made(ID, stranger)])
    expect(told).toEqual(node.envelope(process))
  })
})
