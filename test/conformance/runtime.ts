import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type {
  Ending,
  Guest,
  GuestFactory,
  GuestMessage,
  GuestSnapshot,
  ModuleDescription,
  ProcessDescription,
  Runtime,
} from '../../protocol/index.ts'
import { FakeCells, FakeContext, fakeProcess } from '../fakes/guest-context.ts'

/** A chunk is 4 KiB, a page 64 KiB. */
const CHUNKS_PER_PAGE = 16
const PLENTY = 10_000_000_000n

/** What the suite must know of a runtime to drive it. */
export interface RuntimeUnderTest {
  readonly name: string
  readonly runtime: Runtime
  readonly module: () => ModuleDescription | Promise<ModuleDescription>
  readonly process?: (number: number) => ProcessDescription
  /** The message of slot 0, if the format wants one. */
  readonly spawn?: GuestMessage
  /** Message number `n`, which ends well, changes guest memory and whose output depends on that memory. */
  readonly message: (n: number) => GuestMessage
  /** Changes memory and then fails. */
  readonly failing: GuestMessage
  /** Never ends by itself; run with this much gas. */
  readonly endless: { readonly message: GuestMessage; readonly gasLimit: bigint }
  readonly timeoutMs?: number
}

/** One process with its cells, as a compute unit holds it. */
interface Held {
  readonly guest: Guest
  cells: FakeCells
  /** All chunks that changed since the image, for a snapshot. */
  readonly changed: Set<number>
}

/** Every runtime must pass this: what the compute unit relies on. */
export function runtimeConformance(subject: RuntimeUnderTest): void {
  const describeProcess = subject.process ?? fakeProcess
  const open = (factory: GuestFactory, number: number, snapshot?: GuestSnapshot): Held => ({
    guest: factory.open(describeProcess(number), snapshot),
    cells: new FakeCells(),
    changed: new Set(snapshot?.chunks.keys()),
  })
  const boot = (factory: GuestFactory, number = 2): Held => {
    const held = open(factory, number)
    if (subject.spawn !== undefined) expect(step(held, subject.spawn).ending.status).toBe('ok')
    return held
  }

  describe(`${subject.name} as a runtime`, { timeout: subject.timeoutMs ?? 20_000 }, () => {
    let first: GuestFactory
    let second: GuestFactory

    beforeAll(async () => {
      const module = await subject.module()
      const prepared = subject.runtime.prepare(module)
      expect(subject.runtime.formats).toContain(module.format)
      expect(digest(subject.runtime.prepare(module))).toBe(digest(prepared))
      first = subject.runtime.load(prepared, module)
      second = subject.runtime.load(prepared, module)
    }, subject.timeoutMs ?? 20_000)

    it('gives the same image every time a module is loaded', () => {
      expect(digestOfSnapshot(second.image)).toBe(digestOfSnapshot(first.image))
    })

    it('starts a process in the state of the image', () => {
      const { guest } = open(first, 2)
      expect(guest.pages).toBe(first.image.pages)
      expect(guest.engine()).toEqual(first.image.engine)
      for (const [index, bytes] of first.image.chunks) expect(same(guest.chunk(index), bytes)).toBe(true)
      expect(guest.takeChanged()).toEqual([])
      guest.close()
    })

    it('gives equal endings and equal states in two factories', () => {
      const [a, b] = [boot(first), boot(second)]
      for (let n = 0; n < 8; n++) {
        const [one, other] = [step(a, subject.message(n)), step(b, subject.message(n))]
        expect(one.ending.status).toBe('ok')
        expect(comparable(one)).toEqual(comparable(other))
        expect(digestOf(a.guest)).toBe(digestOf(b.guest))
      }
      for (const held of [a, b]) held.guest.close()
    })

    it('tells every chunk that a kept run changed', () => {
      const held = boot(first)
      let before = memoryOf(held.guest)
      held.guest.takeChanged()
      for (let n = 0; n < 4; n++) {
        const context = new FakeContext(held.cells)
        expect(held.guest.run(subject.message(n), context, PLENTY).status).toBe('ok')
        held.guest.keep()
        const told = held.guest.takeChanged()
        expect(told).toEqual([...told].sort((a, b) => a - b))
        const after = memoryOf(held.guest)
        const differing = after.flatMap((hash, index) => (hash === before[index] ? [] : [index]))
        const missing = differing.filter(index => hasContent(held.guest, index) && !told.includes(index))
        expect(missing).toEqual([])
        expect(held.guest.takeChanged()).toEqual([])
        before = after
      }
      held.guest.close()
    })

    it('undoes a run exactly', () => {
      const [held, witness] = [boot(first), boot(second)]
      for (let n = 0; n < 6; n++) {
        const before = digestOf(held.guest)
        const pages = held.guest.pages
        const context = new FakeContext(new FakeCells(held.cells.values))
        held.guest.run(subject.message(100 + n), context, PLENTY)
        held.guest.discard()
        expect(digestOf(held.guest)).toBe(before)
        expect(held.guest.pages).toBe(pages)
        expect(comparable(step(held, subject.message(n)))).toEqual(comparable(step(witness, subject.message(n))))
        expect(digestOf(held.guest)).toBe(digestOf(witness.guest))
      }
      for (const { guest } of [held, witness]) guest.close()
    })

    it('undoes a run that failed, and goes on as one that never failed', () => {
      const [held, witness] = [boot(first), boot(second)]
      for (const one of [held, witness]) step(one, subject.message(0))
      const before = digestOf(held.guest)
      expect(step(held, subject.failing).ending.status).toBe('error')
      expect(digestOf(held.guest)).toBe(before)
      for (let n = 1; n < 5; n++) {
        const [one, other] = [step(held, subject.message(n)), step(witness, subject.message(n))]
        expect(one.ending.status).toBe('ok')
        expect(comparable(one)).toEqual(comparable(other))
      }
      expect(digestOf(held.guest)).toBe(digestOf(witness.guest))
      for (const { guest } of [held, witness]) guest.close()
    })

    it('goes on from a snapshot as if nothing had happened', () => {
      const held = boot(first)
      for (let n = 0; n < 5; n++) step(held, subject.message(n))
      const restored = open(second, 2, snapshotOf(held))
      restored.cells = new FakeCells(held.cells.values)
      expect(digestOf(restored.guest)).toBe(digestOf(held.guest))
      for (let n = 5; n < 10; n++) {
        expect(comparable(step(restored, subject.message(n)))).toEqual(comparable(step(held, subject.message(n))))
        expect(digestOf(restored.guest)).toBe(digestOf(held.guest))
      }
      for (const { guest } of [held, restored]) guest.close()
    })

    it('ends a run without end at its gas limit and charges all of it', () => {
      const held = boot(first)
      const before = digestOf(held.guest)
      const { message, gasLimit } = subject.endless
      const { ending } = step(held, message, gasLimit)
      expect(ending).toMatchObject({
        status: 'error',
        gas: gasLimit,
        error: { code: 'out-of-gas' },
      })
      expect(digestOf(held.guest)).toBe(before)
      expect(step(held, subject.message(0)).ending.status).toBe('ok')
      held.guest.close()
    })

    it('ends in the same way just below the gas a run needs, and well with exactly that', () => {
      const [held, witness] = [boot(first), boot(second)]
      const { gas } = step(witness, subject.message(0)).ending
      expect(step(held, subject.message(0), gas - 1n).ending).toMatchObject({
        error: { code: 'out-of-gas' },
      })
      expect(step(held, subject.message(0), gas).ending).toMatchObject({ status: 'ok', gas })
      for (const { guest } of [held, witness]) guest.close()
    })

    it('keeps processes apart that take turns', () => {
      const turns = Array.from({ length: 4 }, (_, index) => boot(first, 10 + index))
      const alone = Array.from({ length: 4 }, (_, index) => boot(second, 10 + index))
      for (let n = 0; n < 12; n++) {
        const held = turns[(n * 7) % 4]
        if (held !== undefined) step(held, subject.message(n), n % 5 === 4 ? 20_000n : PLENTY)
      }
      alone.forEach((held, index) => {
        for (let n = 0; n < 12; n++) {
          if ((n * 7) % 4 === index) step(held, subject.message(n), n % 5 === 4 ? 20_000n : PLENTY)
        }
      })
      expect(turns.map(held => digestOf(held.guest))).toEqual(alone.map(held => digestOf(held.guest)))
      for (const { guest } of [...turns, ...alone]) guest.close()
    })

    it('refuses a run while another waits to be kept or discarded', () => {
      const { guest } = boot(first)
      guest.run(subject.message(0), new FakeContext(), PLENTY)
      expect(() => guest.run(subject.message(1), new FakeContext(), PLENTY)).toThrow()
      guest.discard()
      guest.close()
    })
  })
}

interface Step {
  readonly ending: Ending
  readonly context: FakeContext
}

/** Runs one message as a compute unit does: kept if it ended well, else discarded. */
function step(held: Held, message: GuestMessage, gasLimit = PLENTY): Step {
  const context = new FakeContext(new FakeCells(held.cells.values))
  const ending = held.guest.run(message, context, gasLimit)
  if (ending.status === 'ok') {
    held.guest.keep()
    held.cells = context.cells
  } else held.guest.discard()
  for (const index of held.guest.takeChanged()) held.changed.add(index)
  return { ending, context }
}

function comparable({ ending, context }: Step): unknown {
  return {
    ending,
    sent: context.sent,
    spawned: context.spawned,
    lines: context.lines,
    cells: context.cells.values,
  }
}

function snapshotOf({ guest, changed }: Held): GuestSnapshot {
  const chunks = new Map([...changed].map(index => [index, guest.chunk(index).slice()] as const))
  return { pages: guest.pages, chunks, engine: guest.engine() }
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

const hasContent = (guest: Guest, index: number): boolean => guest.chunk(index).some(byte => byte !== 0)

/** A hash of each chunk of memory. */
function memoryOf(guest: Guest): string[] {
  return Array.from({ length: guest.pages * CHUNKS_PER_PAGE }, (_, index) => digest(guest.chunk(index)))
}

/** A hash of the whole state. */
function digestOf(guest: Guest): string {
  const hash = createHash('sha256').update(guest.engine()).update(`${guest.pages}`)
  for (let index = 0; index < guest.pages * CHUNKS_PER_PAGE; index++) hash.update(guest.chunk(index))
  return hash.digest('hex')
}

function digestOfSnapshot({ pages, engine, chunks }: GuestSnapshot): string {
  const hash = createHash('sha256').update(engine).update(`${pages}`)
  for (const index of [...chunks.keys()].sort((a, b) => a - b)) {
    hash.update(`${index}`).update(chunks.get(index) ?? new Uint8Array(0))
  }
  return hash.digest('hex')
}
