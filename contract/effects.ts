import type { HttpFetchInput, HttpFetchOutput, LlmGenerateInput, LlmGenerateOutput } from '../protocol/index.ts'

/**
 * What can be done outside, by name. A program whose node performs others adds them to this interface:
 * `declare module 'atoll/contract' { interface Effects { 'mail.send': { input: …; reply: … } } }`.
 */
export interface Effects {
  'http.fetch': { readonly input: WithDefaults<HttpFetchInput, 'method' | 'headers'>; readonly reply: HttpFetchOutput }
  'llm.generate': { readonly input: LlmGenerateInput; readonly reply: LlmGenerateOutput }
}

/** What has a default need not be said. */
type WithDefaults<T, K extends keyof T> = Omit<T, K> & Partial<Pick<T, K>>

export type EffectName = keyof Effects & string
export type EffectInput<K extends EffectName> = Effects[K] extends { readonly input: infer I } ? I : never
export type EffectReply<K extends EffectName> = Effects[K] extends { readonly reply: infer R } ? R : never
