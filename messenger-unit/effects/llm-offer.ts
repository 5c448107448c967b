import { EffectFailed } from '../../protocol/index.ts'

const MAX_TOKENS = 4096

/** How many tokens an answer may have: what the process asks for, within what is offered. */
export function answerTokens(asked: number | undefined, offered = MAX_TOKENS): number {
  return Math.min(asked ?? offered, offered)
}

/** The model that is asked. @throws {EffectFailed} `effect-forbidden`, if it is not offered */
export function offeredModel(model: string, offered: readonly string[]): string {
  if (offered.includes(model)) return model
  throw new EffectFailed('effect-forbidden', `the model ${model} is not offered here; ${offered.join(', ')} is`)
}

/** What a server says in `Retry-After`, seconds or a date, in milliseconds. */
export function pauseIn(retryAfter: string | null | undefined): number {
  const said = retryAfter ?? ''
  const pauseMs = /^\d+$/.test(said) ? Number(said) * 1000 : Date.parse(said) - Date.now()
  return Math.max(0, pauseMs || 0)
}
