import { type CanisterAnswer, principalText } from '../../protocol/index.ts'
import { everyKeyUnder, numbered } from './cell-keys.ts'
import { PAYLOAD_MAX_BYTES } from './bounds.ts'
import { tellLines } from './canister-log.ts'
import type { CallRequest } from './call-request.ts'
import { type CanisterTrap, REJECT, type Reject } from './canister-trap.ts'
import type { CanisterCode } from './code.ts'
import { boundCalls, endOf, leaveOutside } from './deadlines.ts'
import type { Entry, Keeps } from './execution.ts'
import { freezingLimit, outOfCycles } from './freezing.ts'
import type { Executed, Machine } from './machine.ts'
import { MODES } from './modes.ts'
import { notFound, type Post } from './post.ts'
import { noModule, noReply, notRunning, tooFewCycles } from './refusals.ts'
import {
  type Callback,
  type CallContext,
  CALLBACKS,
  callbacksIn,
  CONTEXTS,
  getCallback,
  getContext,
  putContext,
} from './records.ts'
import type { Slot } from './slot.ts'

const NO_BYTES = new Uint8Array(0)
/** Of what nobody called: a timer, a heartbeat. */
const NOBODYS: CallContext = {
  id: -1,
  origin: { kind: 'nobody' },
  caller: NO_BYTES,
  responded: true,
  outstanding: 0,
  available: 0n,
  deadlineNs: 0n,
  used: 0n,
  depth: 0,
  method: '',
  abandoned: false,
}

/** What is told of a call that is over. */
export interface Outcome {
  readonly answer: CanisterAnswer
  readonly refund: bigint
}

/**
 * The calls that a canister has taken, from the first execution to the answer.
 *
 * 1. A call is answered once: by its code, or with a reject when nothing is left that could.
 * 2. It is over when it is answered and no callback of it is open. Until then it stands in cells, and survives whatever the host does.
 * 3. An execution that trapped is as if it had not been; those before it stand.
 */
export class CallsTaken {
  readonly #machine: Machine
  readonly #post: Post
  readonly #fetched: (callback: number, outcome: Outcome, slot: Slot) => boolean

  /** `fetched` takes answers to calls that the canister makes without its code; says whether one was such. */
  constructor(machine: Machine, post: Post, fetched: (callback: number, outcome: Outcome, slot: Slot) => boolean) {
    this.#machine = machine
    this.#post = post
    this.#fetched = fetched
  }

  /** Carries out a call up to its first wait. */
  take(request: CallRequest, slot: Slot): void {
    const { origin, caller, cycles: available, deadlineNs, depth, method } = request
    const responded = origin.kind === 'nobody'
    const context: CallContext = { ...NOBODYS, origin, caller, responded, available, deadlineNs, depth, method }
    const code = this.#machine.code(slot.cells)
    const refusal = this.refusalOf(code, request.method, slot) ?? tooFewCycles(this.#machine, request)
    if (refusal !== undefined || code === undefined) {
      this.#fail(context, refusal ?? noModule(this.#name), slot)
      return
    }
    const isUpdate = code.entries.has(`canister_update ${request.method}`)
    const what = `${isUpdate ? 'canister_update' : 'canister_query'} ${request.method}`
    const executed = this.#execute(
      code,
      what,
      isUpdate ? MODES.U : MODES.RQ,
      context,
      slot,
      {
        arg: request.arg,
        callerInfo: request.callerInfo,
      },
      isUpdate ? 'all' : 'cycles',
    )
    if (executed.trap !== undefined) this.#fail(context, this.trapReject(executed.trap), slot)
    else this.#goOn(context, executed, slot)
  }

  /** Why a method cannot be called now; nothing, if it can. */
  refusalOf(code: CanisterCode | undefined, method: string, { cells }: Slot): Reject | undefined {
    const { status, deleted } = this.#machine.state
    if (deleted) return notFound(this.#machine.names.self)
    if (status !== 'running') return notRunning(this.#name, status)
    if (code === undefined) return noModule(this.#name)
    const frozen = outOfCycles(this.#machine, cells)
    if (frozen !== undefined) return frozen
    if (code.entries.has(`canister_update ${method}`) || code.entries.has(`canister_query ${method}`)) return undefined
    const isComposite = code.entries.has(`canister_composite_query ${method}`)
    const message = `Error from Canister ${this.#name}: Canister has no update method '${method}'.`
    return { code: REJECT.error, error: isComposite ? 'IC0527' : 'IC0536', message }
  }

  /** Runs what nobody called: a timer, a heartbeat. */
  systemTask(entry: string, slot: Slot): void {
    const code = this.#machine.code(slot.cells)
    if (code?.entries.has(entry) !== true || this.#machine.state.status !== 'running') return
    if (outOfCycles(this.#machine, slot.cells) !== undefined) return
    const executed = this.#execute(code, entry, MODES.T, NOBODYS, slot, {}, 'all')
    if (executed.trap === undefined) this.#goOn(NOBODYS, executed, slot)
    else slot.context.log(`${entry}: ${executed.trap.message}`)
  }

  /** Hears the answer to a call that the canister made. One that it has had, or was never made, changes nothing. */
  hear(id: number, { answer, refund }: Outcome, slot: Slot): void {
    const callback = getCallback(slot.cells, id)
    if (callback === undefined) return
    // Before the call is dropped: an installation that fails goes back to where the slot began.
    const isFetched = this.#fetched(id, { answer, refund }, slot)
    this.#drop(callback, slot)
    if (isFetched) return
    const context = getContext(slot.cells, callback.context)
    const code = this.#machine.code(slot.cells)
    const back = refund < callback.cycles ? refund : callback.cycles
    if (back > 0n) this.#machine.change({ cycles: this.#machine.state.cycles + back })
    if (context === undefined) return
    const after = { ...context, outstanding: context.outstanding - 1 }
    if (context.abandoned || code === undefined) {
      this.#over(after, () => noModule(this.#name), slot)
      return
    }
    const isReply = answer.reject === undefined
    const executed = this.#execute(
      code,
      isReply ? callback.reply : callback.reject,
      isReply ? MODES.Ry : MODES.Rt,
      after,
      slot,
      {
        arg: isReply ? answer.reply : NO_BYTES,
        reject: answer.reject,
        refunded: back,
      },
      'all',
    )
    if (executed.trap === undefined) {
      this.#goOn(after, executed, slot)
      return
    }
    if (callback.cleanup !== undefined) this.#cleanUp(code, callback.cleanup, after, answer, slot)
    const { trap } = executed
    this.#over({ ...after, used: after.used + executed.gas }, () => this.trapReject(trap), slot)
  }

  #cleanUp(
    code: CanisterCode,
    cleanup: readonly [fun: number, env: bigint],
    context: CallContext,
    answer: CanisterAnswer,
    slot: Slot,
  ): void {
    this.#execute(code, cleanup, MODES.C, context, slot, { reject: answer.reject }, 'all')
  }

  /** Whether code waits for the answer to a call that the canister made. */
  isHeard({ context }: Callback, { cells }: Slot): boolean {
    return getContext(cells, context)?.abandoned === false
  }

  #drop(callback: Callback, slot: Slot): void {
    leaveOutside(callback, slot)
    slot.cells.delete(numbered(CALLBACKS, callback.id))
    this.#machine.change({ openCallbacks: this.#machine.state.openCallbacks - 1 })
  }

  #execute(
    code: CanisterCode,
    what: string | readonly [fun: number, env: bigint],
    mode: number,
    context: CallContext,
    slot: Slot,
    more: Pick<Partial<Entry>, 'arg' | 'reject' | 'refunded' | 'callerInfo'>,
    keeps: Keeps,
  ): Executed {
    const entry: Entry = {
      mode,
      caller: context.caller,
      arg: more.arg ?? NO_BYTES,
      reject: more.reject,
      refunded: more.refunded,
      callerInfo: more.callerInfo,
      deadlineNs: context.deadlineNs,
      answers: !context.responded && mode !== MODES.C,
      replyMaxBytes: PAYLOAD_MAX_BYTES,
      available: context.available,
      usedBefore: context.used,
      gasLimit: limitOf(slot, context),
      frozenCycles: () => freezingLimit(this.#machine, slot.cells),
    }
    const executed = this.#machine.execute(code, what, entry, slot.nowNs, keeps)
    slot.spend(executed.gas)
    if (executed.trap === undefined) slot.hasActed = true
    tellLines(executed, slot)
    return executed
  }

  /** After an execution that ended well. */
  #goOn(context: CallContext, { execution, gas }: Executed, slot: Slot): void {
    const used = context.used + gas
    let after: CallContext = { ...context, available: execution.available, used }
    const { response, calls } = execution
    if (response !== undefined) {
      const answer: CanisterAnswer =
        'reply' in response
          ? response
          : { reject: { code: REJECT.canister, error: 'IC0406', message: response.message } }
      this.#answer(after, answer, slot)
      after = { ...after, responded: true, available: 0n }
    }
    if (calls.length > 0) {
      if (after.id < 0) {
        after = { ...after, id: this.#machine.state.nextContext }
        this.#machine.change({ nextContext: after.id + 1, openContexts: this.#machine.state.openContexts + 1 })
      }
      after = { ...after, outstanding: after.outstanding + calls.length }
      for (const draft of calls) this.#post.perform(draft, after, slot)
    }
    this.#over(after, () => noReply(this.#name), slot)
  }

  /** Keeps a call that goes on; ends one that does not, with `reject` if it had no answer. */
  #over(context: CallContext, reject: () => Reject, slot: Slot): void {
    if (context.outstanding > 0) {
      putContext(slot.cells, context)
      return
    }
    if (!context.responded) this.#answer(context, { reject: reject() }, slot)
    if (context.id < 0) return
    slot.cells.delete(numbered(CONTEXTS, context.id))
    this.#machine.change({ openContexts: this.#machine.state.openContexts - 1 })
  }

  /** Ends a call that has done nothing. */
  #fail(context: CallContext, reject: Reject, slot: Slot): void {
    if (context.origin.kind === 'user' && !slot.hasActed) slot.failed = reject
    if (!context.responded) this.#answer(context, { reject }, slot)
  }

  #answer(context: CallContext, answer: CanisterAnswer, slot: Slot): void {
    this.#post.answer(context.origin, { answer, refund: context.available }, slot)
  }

  /**
   * Answers every open call: the code is gone that could go on with it. Until the answers to their own calls have come, and the cycles that
   * those bring back, they stay open, but not for ever, and no code hears of them, whatever is installed.
   */
  abandon(why: Reject, slot: Slot): void {
    for (const key of everyKeyUnder(slot.cells, CONTEXTS)) {
      const context = getContext(slot.cells, Number(key.slice(CONTEXTS.length)))
      if (context === undefined || context.abandoned) continue
      if (!context.responded) this.#answer(context, { reject: why }, slot)
      putContext(slot.cells, { ...context, responded: true, available: 0n, abandoned: true })
    }
    boundCalls(this.#machine, slot)
  }

  /** Ends calls whose time is up: best-effort ones, and those that wait for the outside. */
  expire(slot: Slot): void {
    const known = this.#machine.state.nextDeadlineNs
    // Calls that are made below, by whoever hears of a time-out, say when they end.
    if (known <= slot.nowNs) this.#machine.change({ nextDeadlineNs: 0n })
    let next = 0n
    for (const callback of callbacksIn(slot.cells)) {
      const endNs = endOf(callback)
      if (endNs === 0n) continue
      // Those for which too little is left have the next tick, a second later.
      if (endNs <= slot.nowNs && slot.left > slot.gasLimit / 4n) this.#timeOut(callback, slot)
      else if (next === 0n || endNs < next) next = endNs
    }
    const made = this.#machine.state.nextDeadlineNs
    if (next !== 0n && (made === 0n || next < made)) this.#machine.change({ nextDeadlineNs: next })
  }

  #timeOut(callback: Callback, slot: Slot): void {
    const { id, cycles, outside } = callback
    // What whoever was called has done with the cycles that went there nobody knows.
    const refund = outside === undefined ? 0n : cycles
    if (outside === undefined || outside.dueNs > slot.nowNs) {
      const reject = { code: REJECT.unknown, error: 'IC0601', message: 'Call has timed out' }
      this.hear(id, { answer: { reject }, refund }, slot)
      return
    }
    const reject = { code: REJECT.transient, error: 'IC0206', message: 'The outside did not answer in time' }
    // All that wait for the same hear of it: the next that asks has it looked for again.
    if (outside.principal !== undefined) this.#post.found(outside.principal, reject, slot)
    else this.hear(id, { answer: { reject }, refund }, slot)
  }

  trapReject(trap: CanisterTrap): Reject {
    return { code: REJECT.error, error: trap.error, message: `Error from Canister ${this.#name}: ${trap.message}` }
  }

  get #name(): string {
    return principalText(this.#machine.names.self)
  }
}

/**
 * What one execution may use. Where an answer has to go to a process, or others of the slot come after, an eighth of what is left
 * stays for them: code without end must leave enough to say so.
 */
function limitOf(slot: Slot, { origin }: CallContext): bigint {
  const { left } = slot
  return origin.kind === 'user' && !slot.hasActed ? left : left - left / 8n
}
