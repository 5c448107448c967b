import { HostedProcess, type ProcessSnapshot } from '../../../compute-unit/index.ts'
import {
  encodeEnvelope,
  encodeFrame,
  type Envelope,
  type GuestFactory,
  type Result,
  toHex,
  toUtf8,
} from '../../../protocol/index.ts'
import { onlyResult, pushEnvelope, SELF, SENDER, scriptedModule, VERDICT } from '../../compute-unit/scripted-guest.ts'
import { keyOf } from '../../fakes/certified-pushes.ts'
import { fakeProcess, tags } from '../../fakes/guest-context.ts'

/** Midnight, so that crons are due when a reader thinks they are. */
export const MIDNIGHT_MS = Date.UTC(2024, 0, 1)
const FUEL = 1_000_000_000_000n

/** An agent as a compute unit has it: with its mailbox, so its timers are those that a scheduler would see. */
export class HostedAgent {
  #process: HostedProcess
  readonly #factory: GuestFactory
  readonly #frames: Uint8Array[] = []
  readonly #chunks = new Map<number, Uint8Array>()
  readonly #cells = new Map<string, Uint8Array>()
  nowMs = MIDNIGHT_MS
  #seq = 0

  constructor(factory: GuestFactory) {
    this.#factory = factory
    this.#process = this.#open()
    this.send('init', {})
  }

  #open(snapshot?: ProcessSnapshot): HostedProcess {
    const policy = { schedulers: [keyOf(1)], schedulerQuorum: 1, computeUnits: [keyOf(2)], computeQuorum: 1 }
    const description = { ...fakeProcess(), id: SELF, policy, owner: SENDER, parent: SENDER }
    const module = scriptedModule(description.module, this.#factory, { limits: { gasPerSlotMax: 20_000_000_000n } })
    return HostedProcess.open(description, module, snapshot, () => module)
  }

  /** A message of a process whose input are these tags, or that has them. */
  send(action: string, input: Readonly<Record<string, string>> = {}): Result {
    return this.#slot(
      pushEnvelope(this.#seq++, { fuel: FUEL }, tags('Action', action, ...Object.entries(input).flat())),
    )
  }

  /** Its owner has it go on with its module, as with a new one: the document of its state is all that is left. */
  upgrade(): Result {
    return this.send('Upgrade', {
      'Data-Protocol': 'ao',
      Type: 'Control',
      Module: fakeProcess().module,
      Pending: 'reject',
    })
  }

  /** Lets the next timer ring, when it is due. */
  ring(): Result {
    const [next] = this.timers()
    if (next === undefined) throw new Error('no timer is set')
    this.nowMs = Math.max(this.nowMs, next.dueMs)
    return this.#slot({ kind: 'tick', timer: toUtf8(next.key), dueMs: next.dueMs })
  }

  /** The first that is due first. */
  timers(): { key: string; dueMs: number }[] {
    return this.#process
      .timers()
      .map(({ key, dueMs }) => ({ key, dueMs }))
      .sort((one, other) => one.dueMs - other.dueMs)
  }

  /** What the state's query `log` answers. */
  log(): unknown {
    const ending = this.#process.query(
      { from: 'me', owner: 'me', id: 'query', tags: tags('Action', 'log'), data: new Uint8Array(0) },
      this.nowMs,
    )
    return Reflect.get(outputOf(ending), 'reply')
  }

  get root(): string {
    return toHex(this.#process.stateRoot())
  }

  /** Goes on from a checkpoint, in another host. */
  restart(): void {
    const delta = this.#process.takeDelta()
    for (const [index, chunk] of delta.chunks) this.#chunks.set(index, chunk)
    for (const [key, value] of delta.cells) {
      if (value === undefined) this.#cells.delete(key)
      else this.#cells.set(key, value)
    }
    this.#process = this.#open({ ...delta, chunks: this.#chunks, cells: [...this.#cells] })
  }

  /** The root after the same slots, evaluated by a host that knew nothing. */
  replayed(): string {
    const replayer = this.#open()
    for (const frame of this.#frames) replayer.evaluate(frame, [VERDICT])
    return toHex(replayer.stateRoot())
  }

  #slot(envelope: Envelope): Result {
    const frame = encodeFrame(this.#process.slots, [
      { timestampMs: this.nowMs, envelopeBytes: encodeEnvelope(envelope) },
    ])
    this.#frames.push(frame)
    return onlyResult(this.#process.evaluate(frame, [VERDICT]))
  }
}

/** The output of a slot or query, as JSON. */
export const outputOf = (ended: { readonly output?: Uint8Array } | object): Record<string, unknown> =>
  JSON.parse(Buffer.from((Reflect.get(ended, 'output') as Uint8Array | undefined) ?? []).toString('utf8') || '{}')
