import {
  dataText,
  decodePushBody,
  fromUtf8,
  type Log,
  type ModuleId,
  type Push,
  type QueryAnswer,
  type Result,
  type ResultError,
  type Tag,
  toBase64Url,
} from '../../protocol/index.ts'
import { anchorText } from './ao-item.ts'

/** What AO's compute unit answers for one evaluation. */
export interface AoResult {
  readonly Messages: readonly unknown[]
  readonly Assignments: readonly unknown[]
  readonly Spawns: readonly unknown[]
  readonly Output: unknown
  readonly Error?: unknown
  readonly GasUsed: number
  readonly [field: string]: unknown
}

interface Evaluation {
  readonly status: Result['status']
  readonly gas: bigint
  readonly error: ResultError | undefined
  readonly output: Uint8Array
  readonly log: string
}

const EMPTY = { Messages: [], Assignments: [], Spawns: [], Output: '' } as const

/** Tells whether modules of that format answer in AO's own JSON. */
export function speaksAo(format: string): boolean {
  return /^wasm(32|64)-unknown-emscripten/.test(format)
}

/** Knows which modules speak AO; a module never changes. */
export class ModuleFormats {
  readonly #log: Log
  readonly #speakAo = new Map<ModuleId, boolean>()

  constructor(log: Log) {
    this.#log = log
  }

  async speakAo(module: ModuleId): Promise<boolean> {
    const known = this.#speakAo.get(module)
    if (known !== undefined) return known
    const description = await this.#log.directory.module(module)
    if (description === undefined) return false
    if (this.#speakAo.size >= MODULES_REMEMBERED_MAX) this.#speakAo.clear()
    const speaks = speaksAo(description.format)
    this.#speakAo.set(module, speaks)
    return speaks
  }
}

const MODULES_REMEMBERED_MAX = 1024

/** A result in AO's shape; of modules that do not speak AO it is made from reply and outbox. */
export function resultAsAo(result: Result, ao: boolean): AoResult {
  if (ao) return evaluationAsAo(result)
  const messages = result.outbox.filter(push => decodePushBody(push.bodyBytes).kind === 'message')
  const spawns = result.outbox.filter(push => decodePushBody(push.bodyBytes).kind === 'spawn')
  return {
    ...replyAsAo(result),
    Messages: messages.map(push => outboxEntry(push)),
    Spawns: spawns.map(push => outboxEntry(push)),
    Assignments: result.assigns.map(({ message, process, exclude }) => ({
      Message: message,
      Processes: [process],
      Exclude: exclude,
    })),
  }
}

/** What a dry-run gave, in AO's shape. */
export function answerAsAo(answer: QueryAnswer, ao: boolean): AoResult {
  return ao ? evaluationAsAo(answer) : replyAsAo(answer)
}

function evaluationAsAo(evaluation: Evaluation): AoResult {
  const { Memory: _, ...fields } = readOutput(evaluation.output)
  return {
    ...EMPTY,
    ...fields,
    ...failureOf(evaluation, fields['Error']),
    GasUsed: gasOf(evaluation, fields),
  }
}

function replyAsAo(evaluation: Evaluation): AoResult {
  const data = dataText(evaluation.output) ?? toBase64Url(evaluation.output)
  const prints = evaluation.log === '' ? {} : { print: evaluation.log }
  return {
    ...EMPTY,
    Output: { data, ...prints },
    ...failureOf(evaluation, undefined),
    GasUsed: Number(evaluation.gas),
  }
}

/** Empty where a slot had no effect or failed before the program said anything. */
function readOutput(output: Uint8Array): Record<string, unknown> {
  if (output.length === 0) return {}
  const fields: unknown = JSON.parse(fromUtf8(output))
  return typeof fields === 'object' && fields !== null ? { ...fields } : { Output: fields }
}

function gasOf(evaluation: Evaluation, fields: Record<string, unknown>): number {
  const own = fields['GasUsed']
  return typeof own === 'number' ? own : Number(evaluation.gas)
}

/** A slot that is not ok always says so in `Error`: AO's clients look nowhere else. */
function failureOf({ status, error }: Evaluation, own: unknown): { Error?: unknown } {
  const said = own !== undefined && own !== null && own !== '' && own !== false
  if (said) return { Error: own }
  if (error !== undefined) return { Error: error.message === '' ? error.code : error.message }
  return status === 'ok' ? {} : { Error: `the slot had no effect: ${status}` }
}

function outboxEntry(push: Push): {
  Target: string
  Anchor: string
  Tags: readonly Tag[]
  Data: string
} {
  const { tags, data, anchor } = decodePushBody(push.bodyBytes)
  return {
    Target: push.core.to,
    Anchor: anchorText(anchor) ?? String(push.core.seq).padStart(32, '0'),
    Tags: tags,
    Data: dataText(data) ?? toBase64Url(data),
  }
}
