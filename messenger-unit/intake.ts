import {
  type CallRequest,
  asProcessId,
  type DataItem,
  describeModule,
  describeSpawnItem,
  Failure,
  findSpelledTag,
  ITEM_SIZE_MAX_BYTES,
  isId,
  type Log,
  MalformedBytes,
  MODULE_SIZE_MAX_BYTES,
  MODULES_CHECKED_MAX_BYTES,
  type ModuleAdded,
  type ModuleDescription,
  type ModuleId,
  outlineDataItem,
  type ParsedItem,
  parseDataItem,
  type ProcessId,
  type Receipt,
  type RequestEnvelope,
  type ScheduleAnswer,
  type ScheduleRequest,
  verifyDataItem,
} from '../protocol/index.ts'
import type { Routes } from './routes.ts'
import { takeIngress, type TakeIngressParts } from './take-ingress.ts'

export interface IntakeParts extends TakeIngressParts {
  readonly log: Log
  readonly routes: Pick<Routes, 'schedule'>
  /** @throws {Failure} `module-refused`, `unsupported-format` */
  checkModule(module: ModuleDescription): Promise<void>
  /** A module here or elsewhere; those of this node's directory, if not given. */
  learnModule?(module: ModuleId): Promise<ModuleDescription | undefined>
}

/** What became of one item. */
export type Taken = Receipt | ModuleAdded | Failure

/** Takes signed items of any Type, tells where each belongs and hands it there. */
export class Intake {
  readonly #parts: IntakeParts
  readonly #knownModules = new Set<ModuleId>()
  /** Bytes of the modules that are being checked now. */
  #checkedBytes = 0

  constructor(parts: IntakeParts) {
    this.#parts = parts
  }

  /** Gives an answer for each item, in order; one that fails does not hold up the others. */
  async take(items: readonly (Uint8Array | ParsedItem)[]): Promise<Taken[]> {
    const taken: (Taken | undefined)[] = []
    const requests: ScheduleRequest[] = []
    const places: number[] = []
    for (let i = 0; i < items.length; i++) {
      const item = items[i]
      if (item === undefined) break
      try {
        const routing = this.#route(item instanceof Uint8Array ? parse(item) : outlineDataItem(item.bytes, item.id))
        const routed = routing instanceof Promise ? await routing : routing
        if ('module' in routed) taken[i] = routed
        else {
          requests.push(routed)
          places.push(i)
        }
      } catch (error) {
        taken[i] = Failure.from(error)
      }
    }
    const answers = requests.length === 0 ? [] : await this.#parts.routes.schedule(requests)
    answers.forEach((answer, i) => {
      taken[places[i] ?? 0] = takenOf(answer)
    })
    return taken.map(one => one ?? new Failure('internal'))
  }

  /** Hands a request of a client of the IC to whoever schedules its process, here or elsewhere. @throws {Failure} */
  ingress(process: ProcessId, request: RequestEnvelope<CallRequest>): Promise<Receipt> {
    return takeIngress(this.#parts, process, request)
  }

  /** Where an item belongs; what has to be looked up is waited for. */
  #route(item: DataItem): ScheduleRequest | Promise<ScheduleRequest | ModuleAdded> {
    const { bytes } = item
    const type = findSpelledTag(item.tagsPiece, 'Type') ?? findSpelledTag(item.tagsPiece, 'type')
    if (type === 'Module') return this.#addModule(item)
    if (bytes.length > ITEM_SIZE_MAX_BYTES) {
      throw new Failure('too-large', { bytes: bytes.length, max: ITEM_SIZE_MAX_BYTES })
    }
    if (type === 'Process') return this.#checkSpawn(item).then(() => requestOf(item, item.id))
    const { target } = item
    if (target === undefined) throw new Failure('wrong-type', { type: type ?? '' }, { note: 'no target' })
    return requestOf(item, target)
  }

  async #addModule(item: DataItem): Promise<ModuleAdded> {
    if (item.bytes.length > MODULE_SIZE_MAX_BYTES) {
      throw new Failure('too-large', { bytes: item.bytes.length, max: MODULE_SIZE_MAX_BYTES })
    }
    if (this.#checkedBytes + item.bytes.length > MODULES_CHECKED_MAX_BYTES)
      throw new Failure(
        'busy',
        { maxBytes: MODULES_CHECKED_MAX_BYTES },
        { note: 'modules that came before are being checked' },
      )
    this.#checkedBytes += item.bytes.length
    try {
      return await this.#checkAndAdd(item)
    } finally {
      this.#checkedBytes -= item.bytes.length
    }
  }

  async #checkAndAdd(item: DataItem): Promise<ModuleAdded> {
    const module = describeModule(item)
    if (!verifyDataItem(item)) throw new Failure('bad-signature', { id: item.id })
    const known = await this.#parts.log.directory.moduleItem(module.id)
    if (known === undefined) {
      await this.#parts.checkModule(module)
      await this.#parts.log.directory.addModule(item)
    }
    return { module: module.id }
  }

  async #checkSpawn(item: DataItem): Promise<void> {
    const { module } = describeSpawnItem(item)
    if (!isId(module)) throw new Failure('unknown-module', { module })
    if (this.#knownModules.has(module)) return
    const { log, learnModule } = this.#parts
    if (((await log.directory.module(module)) ?? (await learnModule?.(module))) === undefined)
      throw new Failure('unknown-module', { module })
    if (this.#knownModules.size < 10_000) this.#knownModules.add(module)
  }
}

const requestOf = (item: DataItem, process: string): ScheduleRequest => ({
  process: asProcessId(process),
  envelope: { kind: 'item', item: item.bytes },
  id: item.id,
})

function parse(bytes: Uint8Array): DataItem {
  try {
    return parseDataItem(bytes)
  } catch (error) {
    if (error instanceof MalformedBytes) throw new Failure('malformed-item', { offset: error.offset }, { cause: error })
    throw error
  }
}

function takenOf(answer: ScheduleAnswer): Taken {
  switch (answer.status) {
    case 'scheduled':
    case 'known':
      return answer.receipt
    case 'failed':
      return answer.failure
    case 'duplicate':
    case 'gap':
      return new Failure('internal', { status: answer.status })
  }
}
