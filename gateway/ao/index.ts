export { type AoFacade, createAoFacade } from './facade.ts'
export type { AoFacadeParts } from './parts.ts'
