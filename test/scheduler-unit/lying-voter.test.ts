import { afterEach, expect, test, vi } from 'vitest'
import { type CoSignAnswer, encodeFrame, type KeyId } from '../../protocol/index.ts'
import { Voter } from '../../scheduler-unit/co-signing/voter.ts'
import { createTestNet } from '../../testing/index.ts'
import { nodeKeys } from '../../testing/simulation/node-keys.ts'

afterEach(() => vi.restoreAllMocks())

const nonsense = { length: 1_000, signature: new Uint8Array(64) }
const LIES: readonly (readonly [string, CoSignAnswer])[] = [
  ['has promised the last view of all', { kind: 'superseded', view: Number.MAX_SAFE_INTEGER }],
  ['has a feed that nobody signed', { kind: 'has', view: 0, head: nonsense }],
  ['follows, and has a feed that nobody signed', { kind: 'follows', head: nonsense, accepted: undefined }],
  [
    'follows, and has accepted what may not stand there',
    { kind: 'follows', head: undefined, accepted: { view: 0, base: 1, blocks: [encodeFrame(1, [])] } },
  ],
]

test.for(LIES)(
  'one of three schedulers that says it %s keeps the others from nothing',
  { timeout: 120_000 },
  async ([, lie]) => {
    await using net = await createTestNet({ nodes: 3, seed: 5 })
    const counter = await net.spawn('counter', { schedulers: ['n1', 'n2', 'n3'], name: 'hits' })
    const liar = nodeKeys('n3').key
    const answer = Voter.prototype.answer
    const keyOf = (voter: Voter): KeyId | undefined => voter.feed.signers[voter.place]
    vi.spyOn(Voter.prototype, 'answer').mockImplementation(async function (this: Voter, from, request) {
      return keyOf(this) === liar && request.kind !== 'ask' ? lie : answer.call(this, from, request)
    })
    await net.client('n1').process(counter.id).send({ action: 'Add' }, { timeoutMs: 60_000 })
    // Its leader goes for a moment, so that another has to take over from it with the liar's help, or wait for it.
    net.fault.crash('n1')
    await net.advance('2s')
    await net.fault.restart('n1')
    const sent = await net.client('n2').process(counter.id).send({ action: 'Add' }, { timeoutMs: 120_000 })
    expect(sent.slot).toBe(2)
  },
)
