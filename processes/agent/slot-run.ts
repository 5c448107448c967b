/**
 * One message of one agent, from gas limit to ending.
 *
 * 1. A step that fails must leave nothing behind, and others of its slot must not notice: memory goes back to where
 *    the slot began, and the slot runs again, knowing which step fails with what. No state is copied unless one fails.
 * 2. All attempts together keep to the gas limit. What could run again gets half of what is left until two attempts have trapped, so that a
 *    step without end leaves enough to say so. A trap takes all that its attempt was given.
 * 3. Effects are those of the last attempt; whoever asked for the run carries them out, once.
 * 4. Which requests fail in which steps is a function of the slot, so attempts are.
 * 5. A slot that ended well can be run again later, to the same memory: by its last attempt alone, without effects.
 */
import {
  type AgentModule,
  type Ending,
  findTag,
  type GuestContext,
  type GuestMessage,
  HostFault,
  type ProcessDescription,
} from '../../protocol/index.ts'
import { type Effects, gasOf, NO_EFFECTS, readSealed, type Sealed } from './effects.ts'
import { AGENT_GAS } from './gas.ts'
import { ENGINE_LIMITS } from './guest/engine-limits.ts'
import type { Entry } from './entry.ts'
import type { Machine } from './machine.ts'
import { bytesOf, deliveryOf, type KnownFailure, NOBODY } from './delivery.ts'
import type { Positions } from './positions.ts'
import { SlotInputs } from './slot-inputs.ts'
import type { Trap } from './trap.ts'

/** More than there are steps, and failures that are found one by one, together. */
const ATTEMPTS_MAX = 130
/** Failures of a slot that are told to its attempts. */
const KNOWN_MAX = 20_000
/** Attempts that take all they get before others get more than half of what is left. */
const HALVED_ATTEMPTS = 2

export interface SlotRun {
  readonly message: GuestMessage
  readonly process: ProcessDescription
  readonly module: AgentModule
  readonly positions: Positions
  readonly entry: Entry
  readonly context: GuestContext
  readonly gasLimit: bigint
  /** The instance with the state before the slot. After an attempt it is asked for again: then the state is set back. */
  machine(): Machine
}

type Attempt =
  | { readonly kind: 'sealed'; readonly sealed: Sealed; readonly gas: bigint }
  | { readonly kind: 'trap'; readonly trap: Trap; readonly step: number }

/** How a slot ended. `again` brings an instance with the state before it to the state after it, once it ended well. */
export interface SlotEnd {
  readonly ending: Ending
  /** What the last attempt asks for, not yet carried out. */
  readonly effects: Effects
  readonly again: () => void
}

export function runSlot(run: SlotRun): SlotEnd {
  const { message, gasLimit, positions } = run
  const inputs = new SlotInputs(run.context, run.process.id, message.slot)
  const known: KnownFailure[] = []
  /** How many of them are of the same step and request. */
  const counts = new Map<string, number>()
  const mayRunAgain = isRepeatable(message, run.process)
  let used = 0n
  let traps = 0
  for (let attempts = 1; ; attempts++) {
    const left = gasLimit - used
    const limit = mayRunAgain && traps < HALVED_ATTEMPTS ? left / 2n : left
    const plan: Plan = { known, limit }
    const attempt = runAttempt(run, inputs, plan)
    let failures: Effects['failures']
    if (attempt.kind === 'trap') {
      const { code, message: text, stack } = attempt.trap
      used += limit
      traps += 1
      failures = [[attempt.step, code, text, stack, !mayRunAgain, NOBODY]]
    } else {
      used += attempt.gas
      if (used > gasLimit) return ended(run, inputs, gasLimit, 'out-of-gas', ENGINE_LIMITS['out-of-gas'])
      failures = attempt.sealed.effects.failures
      if (failures === undefined) {
        const ending = succeed(run, inputs, attempt.sealed, used)
        return { ending, effects: attempt.sealed.effects, again: () => runAgain(run, inputs, plan) }
      }
    }
    const isLast = attempts >= ATTEMPTS_MAX || known.length >= KNOWN_MAX || used >= gasLimit
    for (const [step, code, text, stack, isFinal, request] of failures) {
      const message = positions.behind(text, stack)
      const key = `${step} ${request}`
      const times = (counts.get(key) ?? 0) + 1
      // What is nobody's for sure is told all it may concern at first, and ends its step then.
      const isRepeated = times > (request === NOBODY ? 2 : 1)
      if (isLast || isFinal || isRepeated) return ended(run, inputs, used, code, message)
      counts.set(key, times)
      known.push([step, code, message, request])
    }
  }
}

/** Whether the slot means something even if the request it goes on with fails. */
function isRepeatable({ kind, tags, from, fromProcess }: GuestMessage, process: ProcessDescription): boolean {
  if (kind === 'tick') return true
  if (kind !== 'message') return false
  if (findTag(tags, 'X-Reference') !== undefined) return true
  if (fromProcess === undefined) return false
  return findTag(tags, 'Reference') !== undefined || (from === process.id && findTag(tags, 'Action') === '@next')
}

/** What is known before an attempt. */
interface Plan {
  readonly known: readonly KnownFailure[]
  readonly limit: bigint
}

function runAttempt(run: SlotRun, inputs: SlotInputs, { known, limit }: Plan): Attempt {
  const { message } = run
  const machine = run.machine()
  const { calls } = machine
  const delivery = deliveryOf(message, run.process, run.module, run.entry.routes, known)
  inputs.attach(machine.inputs, message.timestampMs, limit)
  calls.gas.value = limit
  let sealed: Sealed
  try {
    sealed = readSealed(machine.deliver(delivery, run.entry), machine.reply)
  } catch (thrown) {
    return { kind: 'trap', trap: machine.explain(thrown, run.entry), step: machine.steps }
  }
  const own = calls.gas.value
  const carried = AGENT_GAS.deliver + AGENT_GAS.deliverByte * bytesOf(delivery)
  const chunks = AGENT_GAS.chunk * machine.countDirty()
  const gas = own < 0n ? limit + 1n : limit - own + BigInt(inputs.gas + carried + chunks + gasOf(sealed))
  return { kind: 'sealed', sealed, gas }
}

function runAgain(run: SlotRun, inputs: SlotInputs, plan: Plan): void {
  const { kind } = runAttempt(run, inputs, plan)
  if (kind !== 'sealed') throw new HostFault('a slot that ended well did not end well again')
}

function succeed({ context, positions }: SlotRun, inputs: SlotInputs, sealed: Sealed, gas: bigint): Ending {
  for (const line of inputs.lines) context.log(positions.resolve(line))
  return { status: 'ok', gas, output: sealed.output }
}

function ended(
  { context, positions }: SlotRun,
  inputs: SlotInputs,
  gas: bigint,
  code: string,
  message: string,
): SlotEnd {
  for (const line of inputs.lines) context.log(positions.resolve(line))
  const again = (): never => {
    throw new Error('expected a slot that ended well')
  }
  return { ending: { status: 'error', gas, error: { code, message } }, effects: NO_EFFECTS, again }
}
