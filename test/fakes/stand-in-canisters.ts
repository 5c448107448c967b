import {
  asProcessId,
  CborWriter,
  type CanisterAnswer,
  type CanisterOutput,
  type Clock,
  type Computer,
  decodeFrame,
  decodeIngress,
  describeSpawnItem,
  emptyCanisterModule,
  encodeCanisterOutput,
  encodeResult,
  type Envelope,
  Failure,
  findTag,
  type Messenger,
  parseDataItem,
  principalOf,
  type ProcessId,
  type QueryMessage,
  type Result,
  toUtf8,
} from '../../protocol/index.ts'
import type { EvaluatedResults } from '../../gateway/index.ts'
import { type CommittedFrame, SchedulerUnit } from '../../scheduler-unit/index.ts'
import { MemoryLog } from './memory-log.ts'
import { realClock } from './real-clock.ts'

interface Canister {
  count: number
  certified: Uint8Array
  controllers: Uint8Array[]
  readonly results: Result[]
  /** Calls of `later`, which `release` answers. */
  readonly waiting: Uint8Array[]
}

/**
 * A real scheduler over a log in memory, and in place of a compute unit a canister in JavaScript: `inc` counts and replies
 * the count as Candid, `get` is its query, `fail` traps, `later` is answered by the next `release`, `certify` sets certified data.
 */
export class StandInCanisters implements AsyncDisposable {
  readonly log: MemoryLog
  readonly canisters = new Map<ProcessId, Canister>()
  readonly #seers: ((evaluated: EvaluatedResults) => void)[] = []
  readonly scheduler: SchedulerUnit
  /** Queries asked, by kind. */
  readonly asked = new Map<string, number>()
  queries = 0

  private constructor(log: MemoryLog, scheduler: SchedulerUnit) {
    this.log = log
    this.scheduler = scheduler
  }

  static async open(key: string, clock: Clock = realClock): Promise<StandInCanisters> {
    let units: StandInCanisters | undefined
    const log = MemoryLog.open()
    const scheduler = await SchedulerUnit.open({
      key: key as never,
      log,
      clock,
      assignable: async () => false,
      committed: frames => units?.evaluate(frames),
    })
    units = new StandInCanisters(log, scheduler)
    await log.directory.addModule(emptyCanisterModule())
    return units
  }

  watch(see: (evaluated: EvaluatedResults) => void): void {
    this.#seers.push(see)
  }

  readonly messenger: Pick<Messenger, 'submit' | 'ingress'> = {
    submit: async ([given = new Uint8Array(0)]) => {
      const item = given instanceof Uint8Array ? parseDataItem(given) : given
      const [answer] = await this.scheduler.schedule([
        { process: asProcessId(item.id), envelope: { kind: 'item', item: item.bytes } },
      ])
      if (answer?.status === 'scheduled' || answer?.status === 'known') return [answer.receipt]
      return [answer?.status === 'failed' ? answer.failure : new Failure('internal')]
    },
    ingress: async (process, request) => {
      const [answer] = await this.scheduler.schedule([
        { process, envelope: { kind: 'ingress', bytes: request.bytes }, request },
      ])
      if (answer?.status === 'scheduled' || answer?.status === 'known') return answer.receipt
      throw answer?.status === 'failed' ? answer.failure : new Failure('internal')
    },
  }

  readonly computer: Pick<Computer, 'result' | 'results' | 'evaluated' | 'follow' | 'query'> = {
    result: async (process, slot) => {
      const result = this.canisters.get(process)?.results[slot]
      if (result === undefined) throw new Failure('unknown-slot', { slot })
      return result
    },
    results: (process, from, to) => resultsOf(this.canisters.get(process)?.results.slice(from, to) ?? []),
    follow: (process, from, { signal } = {}) => this.#follow(process, from, signal),
    evaluated: async process => this.canisters.get(process)?.results.length ?? 0,
    query: async (process, message) => {
      const output = encodeCanisterOutput({
        answers: [[new Uint8Array(0), this.#query(process, message)]],
        changed: false,
      })
      return { slot: 0, status: 'ok', gas: 1n, error: undefined, output, log: '' }
    },
  }

  evaluate(frames: readonly CommittedFrame[]): void {
    for (const { process, bytes, firstSlot } of frames) {
      const canister = this.canisters.get(process.id) ?? {
        count: 0,
        certified: new Uint8Array(0),
        controllers: [],
        results: [],
        waiting: [],
      }
      this.canisters.set(process.id, canister)
      const results = decodeFrame(bytes).assignments.map(({ envelope }, i) => {
        const result = resultOf(firstSlot + i, this.#run(canister, process.id, envelope))
        canister.results.push(result)
        return encodeResult(result).bytes
      })
      queueMicrotask(() => {
        for (const see of this.#seers) see({ process: process.id, firstSlot, results: () => results })
      })
    }
  }

  async *#follow(process: ProcessId, from: number, signal: AbortSignal | undefined): AsyncGenerator<Result> {
    for (let slot = from; signal?.aborted !== true; ) {
      const result = this.canisters.get(process)?.results[slot]
      if (result === undefined) {
        await realClock.sleep(5, { for: 'wait' })
        continue
      }
      slot += 1
      yield result
    }
  }

  #run(canister: Canister, process: ProcessId, envelope: Envelope): CanisterOutput {
    if (envelope.kind === 'item') {
      const request = decodeIngress(describeSpawnItem(parseDataItem(envelope.item)).data)
      canister.controllers = [request.request.sender]
      const id = principalOf(process)
      // record { canister_id : principal }
      const reply = Uint8Array.of(
        ...toUtf8('DIDL'),
        1,
        0x6c,
        1,
        0xb3,
        0xc4,
        0xb1,
        0xf2,
        0x04,
        0x68,
        1,
        0,
        1,
        id.length,
        ...id,
      )
      return { answers: [[request.id, { reply }]], changed: true }
    }
    if (envelope.kind !== 'ingress') return { answers: [], changed: false }
    const { id, request } = decodeIngress(envelope.bytes)
    switch (request.method) {
      case 'inc':
        canister.count += 1
        return { answers: [[id, { reply: candidNat(canister.count) }]], changed: false }
      case 'later':
        canister.waiting.push(id)
        return { answers: [], changed: false }
      case 'release': {
        const answers = [...canister.waiting.splice(0), id].map(
          call => [call, { reply: candidNat(canister.count) }] as const,
        )
        return { answers, changed: false }
      }
      case 'certify':
        canister.certified = request.arg.slice(-4)
        return { answers: [[id, { reply: candidNat(0) }]], certified: canister.certified, changed: false }
      default:
        return { answers: [[id, TRAP]], changed: false }
    }
  }

  #query(process: ProcessId, { tags }: QueryMessage): CanisterAnswer {
    this.queries += 1
    const canister = this.canisters.get(process)
    const [kind = '', method] = [findTag(tags, 'Canister-Query'), findTag(tags, 'Action')]
    this.asked.set(kind, (this.asked.get(kind) ?? 0) + 1)
    if (canister === undefined) return { reject: { code: 3, error: 'IC0301', message: 'no such canister' } }
    if (kind === 'facts') return { reply: factsOf(canister) }
    if (kind === 'metadata') return { reply: toUtf8('service : {}') }
    if (kind === 'inspect')
      return method === 'refused'
        ? { reject: { code: 4, error: 'IC0406', message: 'not wanted' } }
        : { reply: new Uint8Array(0) }
    return method === 'get'
      ? { reply: candidNat(canister.count) }
      : { reject: { code: 5, error: 'IC0536', message: 'no such query' } }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scheduler[Symbol.asyncDispose]()
  }
}

const TRAP: CanisterAnswer = {
  reject: { code: 5, error: 'IC0503', message: 'Canister called `ic0.trap` with message: oops' },
}

function candidNat(value: number): Uint8Array {
  return Uint8Array.of(...toUtf8('DIDL'), 0, 1, 0x7d, value & 0x7f)
}

function factsOf({ certified, controllers }: Canister): Uint8Array {
  const writer = new CborWriter()
  writer.array(9)
  writer.uint(0)
  writer.bytes(new Uint8Array(32).fill(7))
  writer.array(controllers.length)
  for (const controller of controllers) writer.bytes(controller)
  writer.bytes(certified)
  writer.uint(1)
  writer.uint(1)
  writer.array(2)
  for (const [name, isPublic] of [
    ['candid:service', true],
    ['secret', false],
  ] as const) {
    writer.array(2)
    writer.text(name)
    writer.bool(isPublic)
  }
  writer.uint(1)
  writer.bool(true)
  return writer.finish()
}

function resultOf(slot: number, output: CanisterOutput): Result {
  const [first] = output.answers
  return {
    slot,
    message: first && new Uint8Array(32),
    status: 'ok',
    gas: 1n,
    error: undefined,
    output: encodeCanisterOutput(output),
    log: '',
    outbox: [],
    assigns: [],
    dropped: [],
  }
}

async function* resultsOf(results: readonly Result[]): AsyncIterable<Result> {
  yield* results
}
