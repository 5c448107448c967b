// Runs of actors in one thread: messages encoded, run, kept. Figures are medians of short rounds.
import { readFile } from 'node:fs/promises'
import { buildStandardProcesses } from '../processes/standard/build.mjs'
import { actorRuntime, STANDARD_MODULE_TAGS, standardProcessPath } from '../processes/index.ts'
import type { Guest, GuestFactory, GuestMessage } from '../protocol/index.ts'
import {
  FakeCells,
  FakeContext,
  fakeId,
  fakeModule,
  fakeProcess,
  guestMessage,
  tags,
} from '../test/fakes/guest-context.ts'
import { wat } from '../test/processes/actor/sample-actor.ts'

/** Counts in memory; state and inbox share one chunk. */
const MEMORY_ACTOR = `
(module
  (import "atoll" "reply" (func $reply (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "inbox") (param i32) (result i32) (i32.const 512))
  (func (export "handle") (param i32) (result i32)
    (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (i64.const 1)))
    (call $reply (i32.const 0) (i32.const 8))
    (i32.const 0)))`

const ROUNDS = 30
const GAS = 1_000_000_000n

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

/** Runs and keeps `count` messages, the guests taking turns. */
function runAndKeep(guests: readonly Guest[], message: GuestMessage, context: FakeContext, count: number): void {
  for (let at = 0; at < count; at++) {
    const guest = guests[at % guests.length]
    if (guest === undefined) continue
    const ending = guest.run(message, context, GAS)
    if (ending.status !== 'ok') throw new Error(ending.error.message)
    guest.keep()
    context.sent.length = 0
  }
}

function measure(name: string, guests: readonly Guest[], message: GuestMessage, context = new FakeContext()): void {
  const perRound = Math.max(2_000, guests.length)
  runAndKeep(guests, message, context, 5 * perRound)
  const rates: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now()
    runAndKeep(guests, message, context, perRound)
    rates.push((perRound / (performance.now() - started)) * 1000)
  }
  const best = Math.max(...rates)
  const line = `${Math.round(median(rates)).toLocaleString('en')}/s, best ${Math.round(best).toLocaleString('en')}/s`
  console.log(`${name.padEnd(44)} ${line}`)
}

const many = (factory: GuestFactory, count: number): Guest[] =>
  Array.from({ length: count }, (_, index) => factory.open(fakeProcess(100 + index)))

function load(wasm: Uint8Array, moduleTags: readonly { name: string; value: string }[]): GuestFactory {
  const module = fakeModule('actor', wasm, moduleTags)
  return actorRuntime.load(actorRuntime.prepare(module), module)
}

function bytesPerGuest(factory: GuestFactory, message: GuestMessage): void {
  const before = process.memoryUsage()
  const guests = many(factory, 10_000)
  runAndKeep(guests, message, new FakeContext(), guests.length)
  const after = process.memoryUsage()
  const grown = after.heapUsed + after.external - before.heapUsed - before.external
  const told = guests.reduce((sum, guest) => sum + guest.sizeBytes, 0)
  console.log(`10,000 guests: ${Math.round(grown / 10_000)} bytes each (told: ${told / 10_000})`)
  for (const guest of guests) guest.close()
}

await buildStandardProcesses()
const memoryActor = load(await wat(MEMORY_ACTOR), [])
const sample = guestMessage({ tags: tags('Action', 'Add'), data: Uint8Array.of(0) })
measure('memory actor, one hot guest', many(memoryActor, 1), sample)
measure('memory actor, 1,000 guests in turn', many(memoryActor, 1000), sample)
bytesPerGuest(memoryActor, sample)

const standard = async (name: 'counter' | 'ledger' | 'relay') =>
  load(new Uint8Array(await readFile(standardProcessPath(name))), STANDARD_MODULE_TAGS)
const counter = await standard('counter')
measure('counter (cells), one hot guest', many(counter, 1), sample)
measure('counter (cells), 1,000 guests in turn', many(counter, 1000), sample)
const relay = await standard('relay')
const ping = guestMessage({ fromProcess: fakeProcess(9).id, tags: tags('Action', 'Ping') })
measure('relay: one push in, one out', many(relay, 1), ping)

const ledger = await standard('ledger')
const cells = new FakeCells()
const [token] = many(ledger, 1)
if (token !== undefined) {
  const context = new FakeContext(cells)
  const spawn = guestMessage({ kind: 'spawn', tags: tags('Initial-Supply', '1000000000000000000') })
  runAndKeep([token], spawn, context, 1)
  const transfer = guestMessage({
    tags: tags('Action', 'Transfer', 'Recipient', fakeId(77), 'Quantity', '5'),
  })
  measure('ledger: transfer with both notices', [token], transfer, context)
}
