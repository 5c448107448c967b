export { BlsSigner } from './bls-signer.ts'
export { createIcFaces } from './facade.ts'
export { deriveIcKeys, type IcKeys } from './keys.ts'
export type { EvaluatedResults, IcFacadeParts } from './parts.ts'
