import { HostedProcess, type LoadedModule, type ProcessSnapshot } from '../../compute-unit/index.ts'
import {
  asModuleId,
  type Control,
  controlTags,
  describeProcess,
  encodeEnvelope,
  encodeFrame,
  type Envelope,
  fromUtf8,
  type ModuleId,
  type ProcessDescription,
  type Result,
  type Tag,
  toHex,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { fakeId, fakeModule } from '../fakes/guest-context.ts'
import { controlItem, messageItem, spawnItem } from '../fakes/signed-items.ts'
import { paperModule, type PaperProgram, paperRuntime } from './paper-runtime.ts'
import { onlyResult } from './scripted-guest.ts'

type Tags = Readonly<Record<string, string>>

/** The id of the module that stands for a version. */
export const moduleNamed = (number: number): ModuleId => asModuleId(fakeId(60 + number))

/** A module of format `paper`, as a host has it. */
export function paper(number: number, program: PaperProgram): LoadedModule {
  const { wasm, tags } = paperModule(program)
  const factory = paperRuntime.load(wasm, fakeModule('paper', wasm, tags))
  return loadedModule(number, { format: 'paper', tags, stateForm: 'document', factory })
}

/** A module by number, as a host has it. */
export function loadedModule(
  number: number,
  parts: Pick<LoadedModule, 'format' | 'tags' | 'stateForm' | 'factory'>,
): LoadedModule {
  const limits = { gasPerSlotMax: 10_000_000_000n }
  return {
    ...parts,
    id: moduleNamed(number),
    refused: undefined,
    limits,
  }
}

/** Programs of a process that is upgraded: the first keeps words, the second shouts them, the third takes none. */
export const PAPER_PROGRAMS: readonly PaperProgram[] = [
  { version: '1' },
  { version: '2', migrate: 'upper', prefix: 'v2 ' },
  { version: '3', migrate: 'refuse' },
]

/** A process without a host, whose owner is signer 7, with modules that it may be upgraded to. */
export class Upgraded {
  readonly description: ProcessDescription
  readonly modules: ReadonlyMap<ModuleId, LoadedModule>
  readonly process: HostedProcess
  readonly frames: Uint8Array[] = []
  readonly #spawn: Envelope
  #timeMs = 1_000_000

  constructor(modules: readonly LoadedModule[], parts: { tags?: Tags; data?: Uint8Array } = {}) {
    const [first] = modules
    if (first === undefined) throw new TypeError('expected a module')
    this.modules = new Map(modules.map(module => [module.id, module]))
    const { tags = {}, data = new Uint8Array(0) } = parts
    const item = spawnItem(first.id, keyOf(1), {
      tags: { 'Compute-Unit': keyOf(2), ...tags },
      data,
    })
    this.#spawn = { kind: 'item', item: item.bytes }
    this.description = describeProcess(this.#spawn)
    this.process = this.open()
  }

  /** The same process, from a snapshot or from the beginning. */
  open(snapshot?: ProcessSnapshot): HostedProcess {
    const loaded = this.modules.get(snapshot?.module ?? this.description.module)
    if (loaded === undefined) throw new TypeError('expected a module')
    return HostedProcess.open(this.description, loaded, snapshot, id => this.modules.get(id))
  }

  get spawnEnvelope(): Uint8Array {
    return encodeEnvelope(this.#spawn)
  }

  spawn(): Result {
    return this.put(this.#spawn)
  }

  send(tags: Tags, data = ''): Result {
    return this.put({ kind: 'item', item: messageItem(this.description.id, { tags, data }).bytes })
  }

  control(control: Control, signer = 7, data: Uint8Array | string = ''): Result {
    return this.controlTags(controlTags(control), signer, data)
  }

  controlTags(tags: readonly Tag[], signer = 7, data: Uint8Array | string = ''): Result {
    return this.put({
      kind: 'item',
      item: controlItem(this.description.id, tags, { signer, data }).bytes,
    })
  }

  put(envelope: Envelope): Result {
    this.#timeMs += 1000
    const frame = encodeFrame(this.process.slots, [
      { timestampMs: this.#timeMs, envelopeBytes: encodeEnvelope(envelope) },
    ])
    this.frames.push(frame)
    return evaluateOn(this.process, frame)
  }

  upgrade(number: number, more: Partial<Extract<Control, { action: 'Upgrade' }>> = {}): Result {
    return this.control({
      action: 'Upgrade',
      module: moduleNamed(number),
      pending: 'wait',
      keeps: true,
      ...more,
    })
  }

  rollback(number: number): Result {
    return this.control({ action: 'Rollback', module: moduleNamed(number), pending: 'reject' })
  }

  /** What the program says of its state. */
  get document(): unknown {
    const ending = this.process.exportDocument(this.#timeMs)
    return ending.status === 'ok' ? JSON.parse(fromUtf8(ending.output)) : ending.error
  }

  get root(): string {
    return toHex(this.process.stateRoot())
  }

  get nowMs(): number {
    return this.#timeMs
  }

  /** The whole state, as a checkpoint has it. */
  snapshot(): ProcessSnapshot {
    const { cells, ...rest } = this.process.takeDelta()
    const held = cells.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))
    return { ...rest, cells: held }
  }
}

/** Evaluates a frame of one item. */
export function evaluateOn(process: HostedProcess, frame: Uint8Array): Result {
  return onlyResult(process.evaluate(frame, [{ status: 'ok', sender: { owner: '', module: asModuleId('') } }]))
}
