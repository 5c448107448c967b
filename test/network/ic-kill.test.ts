import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { HypercoreLog } from '../../log/index.ts'
import { openKeystore, sourceFromLog, verifyProcess } from '../../node/index.ts'
import { decodeCandid, toHex } from '../../protocol/index.ts'
import { motoko } from '../processes/canister/motoko.ts'
import { IcCaller } from './ic-caller.ts'
import { COUNTER } from './programs/canisters.ts'
import { type RunningNode, startNode } from './running-node.ts'

/** How often the node is killed; `npm run test:kill` kills it 200 times. */
const KILLS = Number(process.env['ATOLL_TEST_KILLS'] ?? 10)
const CALLERS = 12
const LOOKS_TOGETHER = 128
/** Certified replies before a kill: sometimes few, while what was asked before is still on its way, sometimes many. */
const enoughBefore = (kill: number): number => 4 + ((kill * 13) % 40)

interface Replied {
  readonly id: Uint8Array
  readonly reply: Uint8Array
}

async function count(user: IcCaller, canister: Uint8Array): Promise<Replied> {
  const { id, reply } = await user.call(canister, 'inc')
  if (reply === undefined) throw new Error('the certificate shows no reply')
  return { id, reply }
}

/** Counts with many callers at once until the node is gone; all that was certified. */
async function countUntilKilled(
  node: RunningNode,
  user: IcCaller,
  canister: Uint8Array,
  enough: number,
): Promise<Replied[]> {
  const certified: Replied[] = []
  let isKilled = false
  const caller = async (): Promise<void> => {
    while (!isKilled) {
      certified.push(await count(user, canister))
      if (certified.length < enough || isKilled) continue
      isKilled = true
      await node.kill()
    }
  }
  await Promise.allSettled(Array.from({ length: CALLERS }, caller))
  return certified
}

/** Looks at all of them again; more at a time than a node takes connections would be refused. */
async function stillTrue(user: IcCaller, canister: Uint8Array, all: readonly Replied[]): Promise<void> {
  for (let at = 0; at < all.length; at += LOOKS_TOGETHER) {
    const some = all.slice(at, at + LOOKS_TOGETHER)
    const looks = await Promise.all(some.map(({ id }) => user.lookAt(canister, id)))
    expect(looks.map(({ reply }) => reply && toHex(reply))).toEqual(some.map(({ reply }) => toHex(reply)))
  }
}

/** Evaluates everything in a data folder again. */
async function replays(data: string): Promise<void> {
  const { seed } = await openKeystore(join(data, 'keys'))
  await using log = await HypercoreLog.open({ directory: data, keySeed: seed })
  for (const { id } of await log.directory.processes({ limit: 10 })) {
    expect(await verifyProcess(await sourceFromLog(log, id))).toMatchObject({ ok: true })
  }
}

it(`what was certified is true after each of ${KILLS} kills, and the root key is the same`, {
  timeout: 120_000 + KILLS * 20_000,
}, async () => {
  const data = await mkdtemp(join(tmpdir(), 'atoll-test-'))
  try {
    let node = await startNode(data)
    // A failed check must not leave a node behind.
    onTestFinished(() => node.kill())
    let user = await IcCaller.open(node.url)
    const { rootKey } = user
    const canister = await user.install(motoko(COUNTER))
    const all: Replied[] = []
    for (let kill = 0; kill < KILLS; kill++) {
      all.push(...(await countUntilKilled(node, user, canister, enoughBefore(kill))))
      node = await startNode(data)
      user = await IcCaller.open(node.url)
      expect(toHex(user.rootKey)).toBe(toHex(rootKey))
      await stillTrue(user, canister, all)
      // Each count was given once: an update that was certified has its place for good.
      const counts = all.map(({ reply }) => decodeCandid(reply)[0] as bigint)
      expect(new Set(counts).size).toBe(counts.length)
      const next = decodeCandid((await count(user, canister)).reply)[0] as bigint
      for (const one of counts) expect(next).toBeGreaterThan(one)
    }
    await node[Symbol.asyncDispose]()
    await replays(data)
  } finally {
    await rm(data, { recursive: true, force: true, maxRetries: 5 })
  }
})
