/** Cascades of a hundred messages in a simulated network, as a test of agents would run them. */
import type { ProcessHandle } from '../../sdk/index.ts'
import { createTestNet, type TestNet } from '../../testing/index.ts'
import { median } from '../peer-programs/median.ts'
import type { Row } from './row.ts'
import { microseconds, perSecond } from './show.ts'

const PAIRS = 10
const MESSAGES = 100
const REPETITIONS = 15
/** A suite of tests runs for minutes: what the engine compiles in the first second is no part of a rate. */
const WARM_UP_TURNS = 10
const GOAL_PER_SECOND = 200

/** Starts a chain of a hundred messages in each pair and waits until all have ended. */
async function cascades(net: TestNet, relays: readonly ProcessHandle[]): Promise<void> {
  const starts = Array.from({ length: PAIRS }, (_, pair) => {
    const [a, b] = relays.slice(2 * pair, 2 * pair + 2)
    const tags = [
      { name: 'Peer', value: b?.id ?? '' },
      { name: 'Rounds', value: String(MESSAGES - 1) },
    ]
    return a?.send({ action: 'Start', tags })
  })
  await Promise.all(starts)
  await net.settled()
}

export const simulationRow: Row = {
  number: 10,
  title: 'Simulated cascades',
  covers:
    `A network in this very program, in virtual time: ${PAIRS} pairs of relays on one node each push ${MESSAGES} ` +
    'messages back and forth. The units, the rewriter and the signatures are those of a node; disk and time are not. Ten thousand messages come before what is measured: an engine that ' +
    'has compiled nothing yet takes half as long again.',
  async run(context) {
    await using net = await createTestNet({ seed: 1 })
    const relays: ProcessHandle[] = []
    for (let i = 0; i < 2 * PAIRS; i++) relays.push(await net.spawn('relay'))
    for (let turn = 0; turn < (context.quick ? 1 : WARM_UP_TURNS); turn++) await cascades(net, relays)
    const rates: number[] = []
    const cpuUs: number[] = []
    for (let turn = 0; turn < (context.quick ? 2 : REPETITIONS); turn++) {
      const [start, cpu] = [performance.now(), process.cpuUsage()]
      await cascades(net, relays)
      rates.push((PAIRS / (performance.now() - start)) * 1_000)
      const { user, system } = process.cpuUsage(cpu)
      cpuUs.push((user + system) / (PAIRS * MESSAGES))
    }
    const rate = median(rates)
    context.add({
      what: `Simulated cascades of ${MESSAGES} messages`,
      measured: perSecond(rate, 'cascades'),
      goal: `≥ ${GOAL_PER_SECOND} a second`,
      met: rate >= GOAL_PER_SECOND,
    })
    context.add({
      what: 'Processor time of one simulated message',
      measured: microseconds(median(cpuUs)),
    })
  },
}
