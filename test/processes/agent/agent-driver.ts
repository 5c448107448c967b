import { fileURLToPath } from 'node:url'
import { agentRuntime } from '../../../processes/agent/index.ts'
import {
  type Ending,
  type Guest,
  type GuestFactory,
  type GuestMessage,
  type GuestSnapshot,
  type ModuleDescription,
  type ProcessDescription,
  toUtf8,
} from '../../../protocol/index.ts'
import { buildAgent } from '../../../toolchain/index.ts'
import { FakeContext, fakeId, fakeModule, fakeProcess, guestMessage, tags } from '../../fakes/guest-context.ts'

export const START_MS = 1_700_000_000_000

const programPath = (name: string): string => fileURLToPath(new URL(`programs/${name}.process.ts`, import.meta.url))

/** A module of one of the programs beside this file. */
export async function agentModule(name: string): Promise<ModuleDescription> {
  return fakeModule('agent', (await buildAgent(programPath(name))).bytes)
}

export async function loadAgent(name: string): Promise<GuestFactory> {
  const module = await agentModule(name)
  return agentRuntime.load(agentRuntime.prepare(module), module)
}

/** A message of a person that asks for `action` with a JSON input. */
export function request(action: string, input?: unknown, parts: Partial<GuestMessage> = {}): GuestMessage {
  const data = input === undefined ? new Uint8Array(0) : toUtf8(JSON.stringify(input))
  const content = input === undefined ? [] : tags('Content-Type', 'application/json')
  return guestMessage({ tags: [...tags('Action', action), ...content], data, ...parts })
}

export const spawnMessage = (args: unknown = {}): GuestMessage =>
  guestMessage({
    kind: 'spawn',
    slot: 0,
    data: toUtf8(JSON.stringify(args)),
    timestampMs: START_MS,
  })

/** What came of a slot. */
export interface Step {
  readonly ending: Ending
  /** The output, if it ended well. */
  readonly output: Record<string, unknown> | undefined
  readonly context: FakeContext
}

/** One agent, driven slot by slot. */
export class AgentDriver {
  readonly guest: Guest
  readonly process: ProcessDescription
  nowMs = START_MS
  slot = 1

  constructor(factory: GuestFactory, number = 2, snapshot?: GuestSnapshot) {
    this.process = fakeProcess(number)
    this.guest = factory.open(this.process, snapshot)
  }

  static async open(name: string, args: unknown = {}, number = 2): Promise<AgentDriver> {
    const driver = new AgentDriver(await loadAgent(name), number)
    const { ending } = driver.run(spawnMessage(args))
    if (ending.status !== 'ok') throw new Error(`${ending.error.code}: ${ending.error.message}`)
    return driver
  }

  /** Runs a message as a compute unit does: kept if it ended well, else discarded. */
  run(message: GuestMessage, gasLimit = 20_000_000_000n): Step {
    const context = new FakeContext()
    const ending = this.guest.run(message, context, gasLimit)
    if (ending.status === 'ok' && message.kind !== 'query') this.guest.keep()
    else this.guest.discard()
    const text = ending.status === 'ok' ? Buffer.from(ending.output).toString('utf8') : undefined
    return {
      ending,
      output: text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>),
      context,
    }
  }

  /** A message of a person, in the next slot. */
  send(action: string, input?: unknown, parts: Partial<GuestMessage> = {}): Step {
    return this.run(request(action, input, { ...this.#place(), ...parts }))
  }

  /** A message of another process. */
  push(from: string, pairs: readonly string[], data = '', parts: Partial<GuestMessage> = {}): Step {
    return this.run(
      guestMessage({
        ...this.#place(),
        from,
        fromProcess: from as ProcessDescription['id'],
        tags: tags(...pairs),
        data: toUtf8(data),
        ...parts,
      }),
    )
  }

  tick(timer: string, afterMs = 0): Step {
    this.nowMs += afterMs
    return this.run(guestMessage({ ...this.#place(), kind: 'tick', timer }))
  }

  query(action: string, input?: unknown): unknown {
    const { ending, output } = this.run(request(action, input, { kind: 'query', timestampMs: this.nowMs }))
    if (ending.status === 'error') throw new Error(`${ending.error.code}: ${ending.error.message}`)
    return action === '@export' ? output : output?.['reply']
  }

  #place(): Partial<GuestMessage> {
    const slot = this.slot++
    this.nowMs += 1
    return { slot, id: fakeId(10_000 + slot), timestampMs: this.nowMs }
  }
}
