/** A message on one node, evaluated on another, its result known on the first. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { standardModules } from '../../node/index.ts'
import type { ProcessId } from '../../protocol/index.ts'
import { connect } from '../../sdk/index.ts'
import { startNode } from '../../test/network/running-node.ts'
import { quantile } from '../peer-programs/median.ts'
import { messageTo, signedItem } from './items.ts'
import type { Row } from './row.ts'
import { milliseconds } from './show.ts'

const MESSAGES = { full: 1_000, quick: 200 }
const WARM_UP = 50
const P50_GOAL_MS = 15
const P99_GOAL_MS = 50
const RESULT_MAX_MS = 60_000

export const remoteResultsRow: Row = {
  number: 22,
  title: 'Results from another node',
  covers:
    'Two nodes in programs of their own, on loopback. A process has its scheduler on A and its only compute unit on B. One message ' +
    'after the other is posted to A over HTTP; the time ends when A answers with the result, which it has from B by its word. ' +
    'Durable on A before B sees it.',
  async run(context) {
    const folder = await mkdtemp(join(tmpdir(), 'bench-remote-'))
    const a = await startNode(join(folder, 'a'), { listen: ['0'] })
    const b = await startNode(join(folder, 'b'), { peer: a.addresses })
    try {
      const client = connect({ url: a.url })
      const limits = { signal: context.signal, timeoutMs: RESULT_MAX_MS }
      const counter = (await standardModules()).find(({ name }) => name === 'counter')
      if (counter === undefined) throw new Error('no counter')
      const tags = Object.fromEntries(counter.tags.map(tag => [tag.name, tag.value]))
      const item = signedItem({ Type: 'Module', ...tags }, undefined, counter.wasm)
      const { module } = await client.transport.request('addModule', { bytes: item }, limits)
      const spawn = signedItem({ Type: 'Process', Module: module, Scheduler: a.scheduler, 'Compute-Unit': b.scheduler })
      const place = async (bytes: Uint8Array): Promise<{ process: ProcessId; slot: number }> => {
        const receipt = await client.submit(bytes, limits)
        if ('module' in receipt) throw new Error('a message became a module')
        return receipt
      }
      const { process: spawned } = await place(spawn)
      const tookMs: number[] = []
      const count = context.quick ? MESSAGES.quick : MESSAGES.full
      for (let n = 0; n < WARM_UP + count; n++) {
        const message = messageTo(spawned, { Action: 'Add', Quantity: '1' })
        const start = performance.now()
        const { slot } = await place(message)
        const { status } = await client.result(spawned, slot, limits)
        if (status !== 'ok') throw new Error(`slot ${slot} ended in ${status}`)
        if (n >= WARM_UP) tookMs.push(performance.now() - start)
      }
      const [p50, p99] = [quantile(tookMs, 0.5), quantile(tookMs, 0.99)]
      context.add({
        what: 'Message on A → result of a compute unit on B known on A',
        measured: `p50 ${milliseconds(p50)}, p99 ${milliseconds(p99)}`,
        goal: `p50 ≤ ${P50_GOAL_MS} ms, p99 ≤ ${P99_GOAL_MS} ms`,
        met: p50 <= P50_GOAL_MS && p99 <= P99_GOAL_MS,
      })
    } finally {
      await Promise.all([a.kill(), b.kill()])
      await rm(folder, { recursive: true, force: true })
    }
  },
}
