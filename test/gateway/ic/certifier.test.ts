import { expect, it } from 'vitest'
import { Certifier } from '../../../gateway/ic/certifier.ts'
import { OwnSubnet } from '../../../gateway/ic/standing-state.ts'
import { answerSource } from '../../../gateway/ic/state-sources.ts'
import { IcKeys } from '../../../gateway/index.ts'
import { blsSign, certifiedTree, Failure, fromUtf8, lookUpNode, lookUpValue, toUtf8 } from '../../../protocol/index.ts'
import { realClock } from '../../fakes/real-clock.ts'

const KEYS = new IcKeys(new Uint8Array(32).fill(5))
const STATUS = toUtf8('request_status')
const idOf = (number: number): Uint8Array => new Uint8Array(32).fill(number)

/** A certifier whose signatures are made when the test says so. */
function open() {
  const asked: { sign: () => void; fail: () => void }[] = []
  const certifier = new Certifier({
    clock: realClock,
    standing: new OwnSubnet(KEYS),
    sign: message => {
      const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
      asked.push({
        sign: () => resolve(blsSign(KEYS.subnetSecret, message)),
        fail: () => reject(new Failure('host-fault')),
      })
      return promise
    },
  })
  const answers = (numbers: readonly number[]): Promise<Uint8Array>[] =>
    numbers.map(number =>
      certifier.certify({
        requests: [[idOf(number), answerSource({ reply: toUtf8(`reply ${number}`) })]],
        paths: [[STATUS, idOf(number)]],
      }),
    )
  return { answers, asked }
}

it('signs once for all who ask meanwhile, and shows each what it asked for and nothing of the others', async () => {
  const { answers, asked } = open()
  const first = answers([1])
  await expect.poll(() => asked.length).toBe(1)
  const meanwhile = [2, 3, 4, 5]
  const later = answers(meanwhile)
  asked[0]?.sign()
  await Promise.all(first)
  await expect.poll(() => asked.length).toBe(2)
  asked[1]?.sign()
  for (const [at, bytes] of (await Promise.all(later)).entries()) {
    const number = meanwhile[at] ?? 0
    const tree = certifiedTree(bytes, KEYS.rootKey, new Uint8Array(10))
    const reply = tree && lookUpValue(tree, [STATUS, idOf(number), toUtf8('reply')])
    expect(reply && fromUtf8(reply)).toBe(`reply ${number}`)
    for (const other of meanwhile)
      if (other !== number && tree) expect(lookUpNode(tree, [STATUS, idOf(other)]).status).toBe('unknown')
  }
  expect(asked).toHaveLength(2)
})

it('tells all of a batch that it could not be signed, and signs the next', async () => {
  const { answers, asked } = open()
  const failing = Promise.allSettled(answers([1, 2]))
  await expect.poll(() => asked.length).toBe(1)
  asked[0]?.fail()
  expect((await failing).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  const [next] = answers([3])
  await expect.poll(() => asked.length).toBe(2)
  asked[1]?.sign()
  expect(certifiedTree((await next) ?? new Uint8Array(0), KEYS.rootKey, new Uint8Array(10))).toBeDefined()
})
