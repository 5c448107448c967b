import {
  asMessageId,
  type Clock,
  createDataItem,
  type DataItem,
  decodePushBody,
  domainHash,
  dataText,
  EFFECT_ATTEMPTS_MAX,
  EFFECT_BODY_MAX_BYTES,
  EFFECT_PAUSE_MAX_MS,
  EFFECTS_MAX,
  EFFECTS_PER_PROCESS_MAX,
  EffectFailed,
  type Effects,
  Failure,
  findTag,
  fromBase64Url,
  type KeyId,
  type Log,
  type MessageId,
  type ProcessId,
  type Push,
  type PushBody,
  pushId,
  type Scheduler,
  type Signer,
  type Tag,
  toBase64Url,
  toUtf8,
  concatBytes,
} from '../../protocol/index.ts'
import { backOffMs } from '../retry.ts'
import { type FailedEffect, failedEffect } from './failed-effect.ts'

/** What a messenger unit does for processes outside the network, and in whose name. */
export interface EffectOffer {
  /** Key of this messenger unit: processes address effects to it. */
  readonly key: KeyId
  /** Signs outcomes with that key. */
  readonly signer: Signer
  readonly effects: Effects
  /** Owners and processes that may use effects; `*` is everybody. */
  readonly allow: readonly string[]
}

export interface EffectDeskParts extends EffectOffer {
  readonly log: Log
  readonly clock: Clock
  random(): number
  /** The scheduler of a process; nothing if it is not known. */
  schedulerOf(process: ProcessId): Promise<Pick<Scheduler, 'schedule'> | undefined>
  delivered(push: Push): void
  trouble(push: Push, failure: Failure): void
  failed(effect: FailedEffect): void
}

interface Waiting {
  readonly push: Push
  readonly body: PushBody
}

/** What a process is told of an effect. */
interface Outcome {
  readonly action: 'Reply' | 'Error'
  readonly tags: readonly Tag[]
  readonly data: string
}

/**
 * Performs the effects that processes ask of this messenger unit, and sends what came of each back as a signed message.
 *
 * 1. An outcome is durable in the feed of its process before the effect counts as delivered; until then a restart
 *    performs it again. Inside, the first outcome of a reference counts and others have no effect.
 * 2. A failure is an outcome too: no process waits for ever.
 * 3. Effects of one process begin in order, a bounded number at once; a process cannot hold up others.
 */
export class EffectDesk {
  readonly #parts: EffectDeskParts
  readonly #waiting = new Map<ProcessId, Waiting[]>()
  readonly #running = new Map<ProcessId, number>()
  readonly #stop = new AbortController()
  #total = 0

  constructor(parts: EffectDeskParts) {
    this.#parts = parts
  }

  /** Whether a push is an effect for this unit to perform. */
  isFor(push: Push): boolean {
    if (push.core.to !== (this.#parts.key as string)) return false
    const { kind, tags } = decodePushBody(push.bodyBytes)
    return kind === 'message' && findTag(tags, 'Action') === 'Effect'
  }

  enqueue(push: Push): void {
    const { from } = push.core
    const waiting = this.#waiting.get(from) ?? []
    waiting.push({ push, body: decodePushBody(push.bodyBytes) })
    this.#waiting.set(from, waiting)
    this.#startSome()
  }

  /** The message that told a process what came of an effect, if it has been told. */
  async outcomeOf(effect: MessageId): Promise<MessageId | undefined> {
    const kept = await this.#parts.log.store.get(outcomeKey(effect))
    return kept === undefined ? undefined : asMessageId(toBase64Url(kept))
  }

  stop(): void {
    this.#stop.abort(new Failure('shutting-down'))
    this.#waiting.clear()
  }

  #startSome(): void {
    for (const [process, waiting] of this.#waiting) {
      while (waiting.length > 0 && this.#total < EFFECTS_MAX && this.#runningOf(process) < EFFECTS_PER_PROCESS_MAX) {
        const next = waiting.shift()
        if (next !== undefined) void this.#run(next)
      }
      if (waiting.length === 0) this.#waiting.delete(process)
    }
  }

  #runningOf(process: ProcessId): number {
    return this.#running.get(process) ?? 0
  }

  async #run({ push, body }: Waiting): Promise<void> {
    const { from } = push.core
    this.#total += 1
    this.#running.set(from, this.#runningOf(from) + 1)
    try {
      const id = pushId(push.coreBytes)
      if (!(await this.#isTold(push, id))) await this.#answer(push, id, await this.#perform(push, body))
      if (!this.#stop.signal.aborted) this.#parts.delivered(push)
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#parts.trouble(push, Failure.from(error))
    } finally {
      this.#total -= 1
      const left = this.#runningOf(from) - 1
      if (left > 0) this.#running.set(from, left)
      else this.#running.delete(from)
      this.#startSome()
    }
  }

  /** Whether the process was told what came of it. While that cannot be read, it is neither performed again nor forgotten. */
  async #isTold(push: Push, effect: MessageId): Promise<boolean> {
    const { clock, random, trouble } = this.#parts
    const { signal } = this.#stop
    for (let attempt = 1; ; attempt++) {
      try {
        return (await this.outcomeOf(effect)) !== undefined
      } catch (error) {
        trouble(push, Failure.from(error))
        await clock.sleep(backOffMs(attempt, random()), { signal })
      }
    }
  }

  async #perform(push: Push, body: PushBody): Promise<Outcome> {
    const name = findTag(body.tags, 'Effect') ?? ''
    const reference = findTag(body.tags, 'Reference') ?? ''
    const outcome = (action: Outcome['action'], value: unknown, more: readonly Tag[] = []): Outcome => ({
      action,
      tags: [{ name: 'X-Reference', value: reference }, { name: 'Effect', value: name }, ...more],
      data: JSON.stringify(value) ?? 'null',
    })
    const asked: { effect: string; process: ProcessId; host?: string } = { effect: name, process: push.core.from }
    const reaching = (host: string): void => {
      asked.host = host
    }
    try {
      const done = outcome('Reply', await this.#tried(push, body, name, reaching))
      const size = toUtf8(done.data).length
      if (size > EFFECT_BODY_MAX_BYTES)
        throw new EffectFailed('effect-too-large', `the outcome has ${size} bytes as JSON`)
      return done
    } catch (error) {
      // Cut off, not failed: it is performed again after the restart.
      if (this.#stop.signal.aborted) throw error
      const { code, message } = error instanceof EffectFailed ? error : UNEXPECTED
      if (error instanceof EffectFailed) this.#parts.failed(failedEffect(asked, error))
      else this.#parts.trouble(push, Failure.from(error))
      return outcome('Error', { code, message }, [{ name: 'Error', value: code }])
    }
  }

  /** Performs an effect, again after a pause if what failed may pass. */
  async #tried(push: Push, body: PushBody, name: string, reaching: (host: string) => void): Promise<unknown> {
    const { effects, clock, random } = this.#parts
    const perform = Object.hasOwn(effects, name) ? effects[name] : undefined
    if (perform === undefined) {
      const known = Object.keys(effects).join(', ') || 'none'
      throw new EffectFailed(
        'effect-unknown',
        `this node performs no effect "${name.slice(0, 64)}"; it performs: ${known}`,
      )
    }
    const { from: process } = push.core
    const owner = await this.#ownerOf(process)
    const key = findTag(body.tags, 'Effect-Key') ?? pushId(push.coreBytes)
    const input = readJson(body.data)
    const { signal } = this.#stop
    for (let attempt = 1; ; attempt++) {
      try {
        return await perform(input, { process, owner, key, signal, reaching })
      } catch (error) {
        const again =
          error instanceof EffectFailed &&
          error.passing &&
          error.afterMs <= EFFECT_PAUSE_MAX_MS &&
          attempt < EFFECT_ATTEMPTS_MAX
        if (!again || signal.aborted) throw error
        await clock.sleep(Math.max(error.afterMs, backOffMs(attempt, random())), { signal })
      }
    }
  }

  async #ownerOf(process: ProcessId): Promise<string> {
    const { allow, log } = this.#parts
    const owner = (await log.directory.process(process))?.owner ?? ''
    if (allow.includes('*') || allow.includes(owner) || allow.includes(process)) return owner
    throw new EffectFailed(
      'effect-forbidden',
      'this node performs effects for other owners only (atoll up --effects-for)',
    )
  }

  /** Has the outcome stand in the feed of the process; tries until it does. */
  async #answer(push: Push, effect: MessageId, { action, tags, data }: Outcome): Promise<void> {
    const { clock, log, random, signer } = this.#parts
    const { signal } = this.#stop
    const { from: process } = push.core
    const item = await createDataItem(
      {
        target: process,
        anchor: domainHash('atoll/effect/1', fromBase64Url(effect)),
        tags: [
          { name: 'Action', value: action },
          ...tags,
          { name: 'Content-Type', value: 'application/json' },
          { name: 'Data-Protocol', value: 'ao' },
          { name: 'Variant', value: 'ao.TN.1' },
          { name: 'Type', value: 'Message' },
        ],
        data,
      },
      signer,
    )
    for (let attempt = 1; !signal.aborted; attempt++) {
      const failure = await this.#schedule(process, item).catch(error => Failure.from(error))
      if (failure === undefined) {
        log.store.write([{ key: outcomeKey(effect), value: fromBase64Url(item.id) }])
        return
      }
      this.#parts.trouble(push, failure)
      if (failure.blame === 'input') return
      await clock.sleep(backOffMs(attempt, random()), { signal })
    }
  }

  async #schedule(process: ProcessId, item: DataItem): Promise<Failure | undefined> {
    const scheduler = await this.#parts.schedulerOf(process)
    if (scheduler === undefined) return new Failure('unknown-process', { process })
    const [answer] = await scheduler.schedule([{ process, envelope: { kind: 'item', item: item.bytes }, id: item.id }])
    if (answer?.status === 'scheduled' || answer?.status === 'known') return undefined
    return answer?.status === 'failed' ? answer.failure : new Failure('internal')
  }
}

const OUTCOME = toUtf8('messenger/effects/')
const outcomeKey = (effect: MessageId): Uint8Array => concatBytes(OUTCOME, fromBase64Url(effect))

function readJson(data: Uint8Array): unknown {
  if (data.length === 0) return undefined
  try {
    return JSON.parse(dataText(data) ?? '') as unknown
  } catch (cause) {
    throw new EffectFailed('effect-bad-input', 'the input is not JSON', { cause })
  }
}

/** A bug of an effect: the process learns that it failed, the operator why. */
const UNEXPECTED = { code: 'effect-failed', message: 'the effect failed on this node; its log says why' }
