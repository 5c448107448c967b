export { type AoFacade, createAoFacade } from './facade.ts'
export type { AoFacadeParts, KnownScheduler } from './parts.ts'
