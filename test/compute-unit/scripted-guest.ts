import {
  type FrameOutcome,
  FrameResults,
  HostedProcess,
  type LoadedModule,
  type Verdict,
} from '../../compute-unit/index.ts'
import {
  asMessageId,
  asModuleId,
  asProcessId,
  decodeResult,
  type Ending,
  encodeCertificate,
  encodeEnvelope,
  encodeFrame,
  type Envelope,
  type GuestContext,
  type GuestFactory,
  type GuestMessage,
  type ModuleId,
  makePush,
  type PushCore,
  type ProcessDescription,
  type ProcessId,
  type Result,
  type Tag,
  toHex,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { tagsOf } from '../fakes/signed-items.ts'

const NO_BYTES = new Uint8Array(0)

export type Script = (context: GuestContext, message: GuestMessage, gasLimit: bigint) => Ending | undefined

export const SELF = asProcessId(fakeId(2))
export const SENDER = asProcessId(fakeId(5))

export const ok = (gas = 10n, output: Uint8Array = NO_BYTES): Ending => ({
  status: 'ok',
  gas,
  output,
})

/** A format whose programs are functions of this test; without memory, all state is in cells. */
function factoryOf(script: () => Script): GuestFactory {
  return {
    image: { pages: 0, chunks: new Map(), engine: NO_BYTES },
    open: () => ({
      run: (message, context, gasLimit) => script()(context, message, gasLimit) ?? ok(),
      keep: () => undefined,
      discard: () => undefined,
      pages: 0,
      takeChanged: () => [],
      chunk: () => NO_BYTES,
      engine: () => NO_BYTES,
      sizeBytes: 0,
      close: () => undefined,
    }),
    close: () => undefined,
  }
}

/** A module of that format, as a host has it. */
export function scriptedModule(id: ModuleId, factory: GuestFactory, parts: Partial<LoadedModule> = {}): LoadedModule {
  return {
    id,
    format: 'scripted',
    tags: [],
    stateForm: 'document',
    refused: undefined,
    factory,
    limits: { gasPerSlotMax: 1_000_000_000n },
    ...parts,
  }
}

/** A process that does what it is told, slot by slot, without a host. */
export class Scripted {
  readonly process: HostedProcess
  #script: Script = () => undefined
  #timeMs = 1_000_000

  constructor(tags: Readonly<Record<string, string>> = {}) {
    const factory = factoryOf(() => this.#script)
    const description: ProcessDescription = {
      id: SELF,
      module: asModuleId(fakeId(4)),
      policy: {
        schedulers: [keyOf(1)],
        schedulerQuorum: 1,
        computeUnits: [keyOf(2)],
        computeQuorum: 1,
      },
      epoch: 0,
      owner: fakeId(3),
      parent: undefined,
      tags: tagsOf(tags),
      data: NO_BYTES,
    }
    this.process = HostedProcess.open(description, scriptedModule(description.module, factory))
  }

  /** A slot with a push of that depth and fuel, in which the program does `script`. */
  run(script: Script = () => undefined, core: Partial<PushCore> = {}): Result {
    return this.slot(pushEnvelope(this.process.slots, core), script)
  }

  slot(envelope: Envelope, script: Script = () => undefined, verdict: Verdict = VERDICT): Result {
    this.#script = script
    this.#timeMs += 1000
    const frame = encodeFrame(this.process.slots, [
      { timestampMs: this.#timeMs, envelopeBytes: encodeEnvelope(envelope) },
    ])
    return onlyResult(this.process.evaluate(frame, [verdict]))
  }

  query(script: Script): Ending {
    this.#script = script
    return this.process.query({ from: 'me', owner: 'me', id: 'query', tags: [], data: NO_BYTES }, this.#timeMs)
  }

  get root(): string {
    return toHex(this.process.stateRoot())
  }
}

/** The result of a frame of one slot. */
export function onlyResult({ firstSlot, resultsBytes }: FrameOutcome): Result {
  const [result] = new FrameResults(firstSlot, resultsBytes).results
  if (result === undefined) throw new TypeError('expected a result')
  return decodeResult(result)
}

export const VERDICT: Verdict = {
  status: 'ok',
  sender: { owner: keyOf(2), module: asModuleId(fakeId(4)) },
}

/** A push to the scripted process whose certificate nobody looks at. */
export function pushEnvelope(seq: number, core: Partial<PushCore> = {}, tags: readonly Tag[] = []): Envelope {
  const whole = {
    from: SENDER,
    slot: 1,
    index: 0,
    seq,
    to: SELF,
    depth: 1,
    fuel: 1_000_000n,
    origin: asMessageId(fakeId(9)),
    ...core,
  }
  const push = makePush(whole, { kind: 'message', tags, data: NO_BYTES, anchor: undefined })
  const certificate = {
    process: SENDER,
    firstSlot: 1,
    count: 1,
    frameHash: new Uint8Array(32),
    resultsRoot: new Uint8Array(32),
    stateRoot: new Uint8Array(32),
    gas: 0n,
  }
  const proof = {
    resultHead: NO_BYTES,
    outboxPath: [],
    resultPath: [],
    certificate,
    certificateBytes: encodeCertificate(certificate),
    signatures: [],
  }
  return { kind: 'push', push, proof }
}

/** A process by number. */
export const other = (number: number): ProcessId => asProcessId(fakeId(100 + number))
