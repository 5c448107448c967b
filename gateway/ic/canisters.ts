import {
  CborReader,
  type Computer,
  type CanisterAnswer,
  decodeCanisterOutput,
  IC_CANISTERS_MAX,
  type Log,
  principalText,
  type ProcessDescription,
  type ProcessId,
  type QueryMessage,
  type Tag,
  MalformedBytes,
} from '../../protocol/index.ts'
import type { IcFacadeParts } from './parts.ts'
import type { EvaluatedOutputs } from './result-output.ts'
import { CallRefusal } from './refusal.ts'

/** A process that is a canister. */
export interface Canister {
  readonly process: ProcessDescription
  readonly principal: Uint8Array
}

/** What a canister says of itself, for certificates. */
export interface CanisterFacts {
  readonly status: number
  readonly moduleHash: Uint8Array | undefined
  readonly controllers: readonly Uint8Array[]
  readonly certifiedData: Uint8Array
  /** Nanoseconds since 1970; 0 of code that never was. */
  readonly createdNs: bigint
  readonly installedNs: bigint
  /** Names of its metadata sections, and whether all may read them. */
  readonly metadata: ReadonlyMap<string, boolean>
  /** Whether it wants to see requests before they have a slot. */
  readonly inspects: boolean
}

interface Known extends Canister {
  facts: Promise<CanisterFacts> | undefined
  /** What `facts` gave. */
  told: CanisterFacts | undefined
}

type CanistersParts = Pick<IcFacadeParts, 'processOf' | 'speaksFor'> & {
  readonly log: Pick<Log, 'directory'>
  readonly computer: Pick<Computer, 'query'>
}

/** The canisters that clients asked for lately. */
export class Canisters {
  readonly #parts: CanistersParts
  readonly #byPrincipal = new Map<string, Known>()
  readonly #byProcess = new Map<ProcessId, Known>()

  constructor(parts: CanistersParts) {
    this.#parts = parts
  }

  /** The canister of a principal, if somebody asked for it lately. */
  atHand(principal: Uint8Array): Canister | undefined {
    return this.#byPrincipal.get(keyOf(principal))
  }

  /** The canister of a principal, if there is one in reach. */
  async find(principal: Uint8Array): Promise<Canister | undefined> {
    const known = this.atHand(principal)
    if (known !== undefined) return known
    const process = await this.#parts.processOf(principal)
    if (process === undefined || !(await this.#isCanister(process))) return undefined
    const found: Known = { process, principal, facts: undefined, told: undefined }
    this.#remember(keyOf(principal), found)
    return found
  }

  /** @throws {CallRefusal} `IC0301` */
  async get(principal: Uint8Array): Promise<Canister> {
    const found = await this.find(principal)
    if (found !== undefined) return found
    throw new CallRefusal(3, 'IC0301', `Canister ${principalText(principal)} not found`)
  }

  /** What the canister says of itself now. */
  async facts({ process }: Canister): Promise<CanisterFacts> {
    // Nobody tells when those of others change.
    if (!this.#parts.speaksFor(process)) return this.#ask(process.id)
    const known = this.#byProcess.get(process.id)
    if (known?.facts !== undefined) return known.facts
    const facts = this.#ask(process.id)
    if (known !== undefined) {
      known.facts = facts
      facts.then(
        told => {
          if (known.facts === facts) known.told = told
        },
        () => {
          if (known.facts === facts) known.facts = undefined
        },
      )
    }
    return facts
  }

  /** The very facts that `facts` gives now, if nothing has to be waited for. */
  factsAtHand({ process }: Canister): CanisterFacts | undefined {
    return this.#parts.speaksFor(process) ? this.#byProcess.get(process.id)?.told : undefined
  }

  /** A metadata section; nothing, if there is none that the caller may read. */
  async metadata({ process }: Canister, name: string, from: Uint8Array): Promise<Uint8Array | undefined> {
    const answer = await this.#query(process.id, 'metadata', name, from)
    return answer.reply
  }

  /** Facts of what changed are asked for again. */
  evaluated({ process, outputs }: EvaluatedOutputs): void {
    const known = this.#byProcess.get(process)
    if (known?.facts === undefined) return
    for (const { output } of outputs()) {
      if (output === undefined || (!output.changed && output.certified === undefined)) continue
      known.facts = undefined
      known.told = undefined
      return
    }
  }

  async #ask(process: ProcessId): Promise<CanisterFacts> {
    const answer = await this.#query(process, 'facts', '', ANONYMOUS)
    if (answer.reply === undefined)
      throw new CallRefusal(answer.reject.code, answer.reject.error, answer.reject.message)
    return readFacts(answer.reply)
  }

  async #query(process: ProcessId, kind: string, method: string, from: Uint8Array): Promise<CanisterAnswer> {
    const answer = await this.#parts.computer.query(process, canisterQuery(kind, method, from, new Uint8Array(0)))
    return onlyAnswer(answer.output, answer.error?.message)
  }

  async #isCanister({ module }: ProcessDescription): Promise<boolean> {
    return (await this.#parts.log.directory.module(module))?.format === 'canister'
  }

  #remember(key: string, found: Known): void {
    this.#byPrincipal.set(key, found)
    this.#byProcess.set(found.process.id, found)
    if (this.#byPrincipal.size <= IC_CANISTERS_MAX) return
    const [oldest] = this.#byPrincipal
    if (oldest === undefined) return
    this.#byPrincipal.delete(oldest[0])
    this.#byProcess.delete(oldest[1].process.id)
  }
}

const keyOf = (principal: Uint8Array): string =>
  Buffer.from(principal.buffer, principal.byteOffset, principal.length).toString('latin1')

const ANONYMOUS = Uint8Array.of(4)

/** A query as canisters take it: docs/protocol/canister.md. */
export function canisterQuery(
  kind: string,
  method: string,
  from: Uint8Array,
  arg: Uint8Array,
  more: readonly Tag[] = [],
): QueryMessage {
  const text = principalText(from)
  const tags = [{ name: 'Canister-Query', value: kind }, { name: 'Action', value: method }, ...more]
  return { from: text, owner: text, id: '', tags, data: arg }
}

/** The one answer of a query; what broke a limit of the process is a reject too. */
export function onlyAnswer(output: Uint8Array, error: string | undefined): CanisterAnswer {
  return answerUnlessCalls(output, error) ?? rejected('the canister gave no answer')
}

/** The same; nothing, if a composite query gave calls to others instead of an answer. */
export function answerUnlessCalls(output: Uint8Array, error: string | undefined): CanisterAnswer | undefined {
  if (error !== undefined) return rejected(error)
  try {
    const read = decodeCanisterOutput(output)
    if ('calls' in read) return undefined
    return read.answers[0]?.[1] ?? rejected('the canister gave no answer')
  } catch (cause) {
    if (cause instanceof MalformedBytes) return rejected('the canister gave no answer')
    throw cause
  }
}

const rejected = (message: string): CanisterAnswer => ({ reject: { code: 5, error: 'IC0504', message } })

function readFacts(bytes: Uint8Array): CanisterFacts {
  const reader = new CborReader(bytes)
  const fields = reader.array()
  const status = Number(reader.uint())
  const moduleHash = reader.isNull() ? (reader.null() ?? undefined) : reader.bytes()
  const controllers: Uint8Array[] = []
  for (let left = reader.array(); left > 0; left--) controllers.push(reader.bytes())
  const certifiedData = reader.bytes()
  const [createdNs, installedNs] = [BigInt(reader.uint()), BigInt(reader.uint())]
  const metadata = new Map<string, boolean>()
  for (let left = reader.array(); left > 0; left--) {
    reader.array()
    metadata.set(reader.text(), reader.bool())
  }
  reader.uint()
  const inspects = fields > 8 ? reader.bool() : true
  return { status, moduleHash, controllers, certifiedData, createdNs, installedNs, metadata, inspects }
}
