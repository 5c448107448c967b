// Carries messages: intake, push of what certified results ask for, effects outside the network, message trees.
export type { EffectOffer } from './effects/effect-desk.ts'
export type { FailedEffect } from './effects/failed-effect.ts'
export { httpFetch, type HttpFetchOptions } from './effects/http-fetch.ts'
export { type AiSdk, type AiSdkModel, type AiSdkOffer, aiSdkGenerate } from './effects/ai-sdk-generate.ts'
export { type LlmEndpoint, llmGenerate } from './effects/llm-generate.ts'
export { MessengerUnit, type MessengerUnitParts } from './messenger-unit.ts'
