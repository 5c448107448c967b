import { expect, test } from 'vitest'
import { CertificateFeed } from '../../compute-unit/kept/certificate-feed.ts'
import { asKeyId, asProcessId, Failure, type FeedSpec, resultsFeed } from '../../protocol/index.ts'

const PROCESS = asProcessId('A'.repeat(43))
const feed: FeedSpec = resultsFeed({ id: PROCESS, epoch: 0 }, asKeyId('A'.repeat(43)))
const certificate = (index: number): Uint8Array => Uint8Array.of(index)

/** A feed that takes what follows its end, each append after the one before, while the disk has room. */
class OneFeed {
  readonly blocks: Uint8Array[] = []
  failing: Failure | undefined
  /** What appends wait for. */
  held: Promise<void> | undefined
  #turn: Promise<unknown> = Promise.resolve()

  append = (_: FeedSpec, index: number, blocks: readonly Uint8Array[]): Promise<void> => {
    const { held } = this
    const ready = held === undefined ? this.#turn : this.#turn.then(() => held)
    const turn = ready.then(() => {
      if (this.failing !== undefined) throw this.failing
      if (index > this.blocks.length) throw new Failure('feed-frozen', {}, { note: 'a gap' })
      this.blocks.splice(index, blocks.length, ...blocks)
    })
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}

function open(log: OneFeed) {
  const seen: { troubles: string[]; stopped: string[] } = { troubles: [], stopped: [] }
  let wake: (() => void)[] = []
  const certificates = new CertificateFeed({
    log,
    feed,
    sleep: (_, signal) =>
      new Promise((resolve, reject) => {
        wake.push(resolve)
        signal.addEventListener('abort', () => reject(new Failure('aborted')))
      }),
    trouble: failure => seen.troubles.push(failure.code),
    stop: failure => seen.stopped.push(failure.code),
  })
  const pass = async (): Promise<void> => {
    await expect.poll(() => wake.length).toBeGreaterThan(0)
    const due = wake
    wake = []
    for (const resolve of due) resolve()
  }
  return { certificates, seen, pass, isAsleep: () => wake.length > 0 }
}

test('what a full disk refused stands in the feed later, in order, and so does what came behind it', async () => {
  const log = new OneFeed()
  const { certificates, seen, pass, isAsleep } = open(log)
  certificates.add(0, certificate(0))
  await expect.poll(() => log.blocks.length).toBe(1)
  log.failing = new Failure('disk-full')
  certificates.add(1, certificate(1))
  await expect.poll(isAsleep).toBe(true)
  certificates.add(2, certificate(2))
  await pass()
  await expect.poll(isAsleep).toBe(true)
  log.failing = undefined
  certificates.add(3, certificate(3))
  await pass()
  await expect.poll(() => log.blocks).toEqual([0, 1, 2, 3].map(certificate))
  certificates.add(4, certificate(4))
  await expect.poll(() => log.blocks).toEqual([0, 1, 2, 3, 4].map(certificate))
  expect(seen).toEqual({ troubles: ['disk-full'], stopped: [] })
})

test('the gap that a refused certificate leaves is no failure of those on their way behind it', async () => {
  const log = new OneFeed()
  const { certificates, seen, pass } = open(log)
  log.failing = new Failure('disk-full')
  certificates.add(0, certificate(0))
  certificates.add(1, certificate(1))
  // The disk has room again between the two.
  await Promise.resolve()
  log.failing = undefined
  await pass()
  await expect.poll(() => log.blocks).toEqual([0, 1].map(certificate))
  expect(seen.stopped).toEqual([])
})

test('a replay while some wait for the disk adds nothing twice', async () => {
  const log = new OneFeed()
  const { certificates, seen, pass, isAsleep } = open(log)
  for (const index of [0, 1, 2]) certificates.add(index, certificate(index))
  await expect.poll(() => log.blocks.length).toBe(3)
  log.failing = new Failure('disk-full')
  certificates.add(3, certificate(3))
  await expect.poll(isAsleep).toBe(true)
  certificates.add(4, certificate(4))
  // The host was lost: it evaluates again from a checkpoint on, and then goes on.
  for (const index of [1, 2, 3, 4, 5]) certificates.add(index, certificate(index))
  log.failing = undefined
  await pass()
  await expect.poll(() => log.blocks).toEqual([0, 1, 2, 3, 4, 5].map(certificate))
  expect(seen.stopped).toEqual([])
})

test('what is still on its way is not passed over by what came behind it', async () => {
  const log = new OneFeed()
  const { certificates, seen, pass, isAsleep } = open(log)
  const { promise, resolve } = Promise.withResolvers<void>()
  log.failing = new Failure('disk-full')
  certificates.add(0, certificate(0))
  log.held = promise
  certificates.add(1, certificate(1))
  await expect.poll(isAsleep).toBe(true)
  certificates.add(2, certificate(2))
  log.held = undefined
  log.failing = undefined
  // It is tried again in the turn behind the one that is held.
  await pass()
  resolve()
  await expect.poll(() => log.blocks).toEqual([certificate(0)])
  await pass()
  await expect.poll(() => log.blocks).toEqual([0, 1, 2].map(certificate))
  expect(seen.stopped).toEqual([])
})

test('evaluation waits while many wait for the disk', async () => {
  const log = new OneFeed()
  const { certificates, pass } = open(log)
  log.failing = new Failure('disk-fault')
  for (let index = 0; index < 300; index++) certificates.add(index, certificate(index))
  // Once all were refused.
  await new Promise(resolve => setImmediate(resolve))
  let hasRoom = false
  const room = certificates.room().then(() => {
    hasRoom = true
  })
  await new Promise(resolve => setImmediate(resolve))
  expect(hasRoom).toBe(false)
  log.failing = undefined
  await pass()
  await room
  expect(log.blocks).toHaveLength(300)
})

test('a feed that contradicts ends it, and so does its owner', async () => {
  const log = new OneFeed()
  const { certificates, seen, isAsleep } = open(log)
  log.failing = new Failure('feed-frozen')
  certificates.add(0, certificate(0))
  await expect.poll(() => seen.stopped).toEqual(['feed-frozen'])
  log.failing = new Failure('disk-full')
  certificates.add(0, certificate(0))
  await expect.poll(isAsleep).toBe(true)
  certificates.end()
  await certificates.room()
  expect(log.blocks).toEqual([])
})
