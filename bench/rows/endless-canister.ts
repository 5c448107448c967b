/** A canister that never ends, and how long its neighbours take meanwhile. */
import { principalText } from '../../protocol/index.ts'
import { ENDLESS } from '../../test/network/programs/canisters.ts'
import { COUNTER, compiledMotoko } from '../ic/compiled-motoko.ts'
import { installCanister } from '../ic/ic-canister.ts'
import { type Answer, postAll } from '../ic/raw-posts.ts'
import { RequestSigner } from '../ic/signed-requests.ts'
import { progress } from '../peer-child.ts'
import { median, quantile } from '../peer-programs/median.ts'
import { BenchNode } from './bench-node.ts'
import type { Row } from './row.ts'
import { milliseconds, times } from './show.ts'

const NEIGHBOURS = 2
const ROUNDS = 7
const REQUESTS = 300
const GOAL = 2

export const endlessCanisterRow: Row = {
  number: 25,
  title: 'Neighbours of an endless canister',
  covers:
    'Two counters in Motoko on one node with one host, each asked by a client that sends one signed request after the other; in every second phase a third ' +
    'canister of the same host is asked for a method that loops for ever, again as soon as it was stopped for its instructions. Updates against an endless ' +
    'update, queries against an endless query. A ratio is that of the 99th percentiles of two phases that follow each other; the median of all counts, and the worst is told.',
  async run(context) {
    await using node = await BenchNode.start(context, { hosts: 1 })
    const signer = new RequestSigner()
    const install = async (program: string): Promise<Uint8Array> =>
      installCanister(node.url, signer, await compiledMotoko(program, 'wasm64'))
    const endless = await install(ENDLESS)
    const neighbours: Uint8Array[] = []
    for (let made = 0; made < NEIGHBOURS; made++) neighbours.push(await install(COUNTER))
    const [rounds, requests] = context.quick ? [2, 50] : [ROUNDS, REQUESTS]
    const send = (
      type: 'call' | 'query',
      canister: Uint8Array,
      method: string,
      count: number,
      seen: (answer: Answer) => void,
    ) => {
      const bodies = Array.from({ length: count }, () => signer.sign(type, canister, method))
      return postAll(
        node.url,
        `/api/${type === 'call' ? 'v3' : 'v2'}/canister/${principalText(canister)}/${type}`,
        bodies,
        1,
        seen,
      )
    }

    for (const [type, method, loop] of [
      ['call', 'inc', 'spin'],
      ['query', 'get', 'look'],
    ] as const) {
      const phase = async (): Promise<number> => {
        const all = await Promise.all(neighbours.map(one => send(type, one, method, requests, expectStatus)))
        return quantile(all.flat(), 0.99)
      }
      await phase()
      const pairs: { quiet: number; beside: number }[] = []
      for (let round = 0; round < rounds; round++) {
        const quiet = await phase()
        const over = { is: false }
        const looping = (async () => {
          while (!over.is) await send(type, endless, loop, 1, expectStatus)
        })()
        pairs.push({ quiet, beside: await phase() })
        over.is = true
        await looping
      }
      const ratios = pairs.map(({ quiet, beside }) => beside / quiet)
      const ratio = median(ratios)
      const kind = type === 'call' ? 'updates' : 'queries'
      progress(`${kind} beside an endless one: ${times(ratio)}`)
      context.add({
        what: `p99 of ${kind} beside an endless canister, against without it`,
        measured: milliseconds(median(pairs.map(({ beside }) => beside))),
        peer: `${milliseconds(median(pairs.map(({ quiet }) => quiet)))} without`,
        ratio: `${times(ratio)} (worst of ${rounds}: ${times(Math.max(...ratios))})`,
        goal: `< ${GOAL}×`,
        met: ratio < GOAL,
      })
    }
  },
}

/** A canister that is stopped rejects; whoever asked has an answer all the same. */
function expectStatus({ status, body }: Answer): void {
  if (status !== 200) throw new Error(`expected 200, got ${status}: ${body.toString('latin1').slice(0, 200)}`)
}
