/**
 * What can be done outside, by name. A program that performs others adds them to this interface:
 * `declare module 'atoll/contract' { interface Effects { 'mail.send': { input: …; reply: … } } }`.
 */
export interface Effects {
  'http.fetch': {
    readonly input: {
      readonly url: string
      readonly method?: string
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string
    }
    readonly reply: {
      readonly status: number
      readonly headers: Readonly<Record<string, string>>
      readonly body: string
    }
  }
  'llm.generate': {
    readonly input: {
      readonly prompt?: string
      readonly system?: string
      readonly messages?: readonly { readonly role: 'system' | 'user' | 'assistant'; readonly content: string }[]
      readonly model?: string
      readonly temperature?: number
      readonly maxTokens?: number
    }
    readonly reply: { readonly text: string; readonly model: string }
  }
}

export type EffectName = keyof Effects & string
export type EffectInput<K extends EffectName> = Effects[K] extends { readonly input: infer I } ? I : never
export type EffectReply<K extends EffectName> = Effects[K] extends { readonly reply: infer R } ? R : never
