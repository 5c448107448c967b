// Client of the network, for browsers and Node.
export { type AiInputSchema, type AiTool, aiTools, type AiToolsOptions } from './ai-tools.ts'
export { Client, type FollowOptions, type QueryFields, type SendFields } from './client.ts'
export type { ComplaintFields } from './complain.ts'
export { type ConnectOptions, connect, DEFAULT_URL } from './connect.ts'
export { contractOf } from './contract-of.ts'
export { type CanisterContract, type CanisterMethods, fromCandid } from './from-candid.ts'
export { findNamed, type Named } from './find-named.ts'
export { httpTransport, type HttpTransportParts } from './http-transport.ts'
export { inProcessTransport } from './in-process-transport.ts'
export {
  fullTags,
  type MessageFields,
  type ModuleFields,
  signControl,
  signMessage,
  signModule,
  signSpawn,
  type SpawnFields,
} from './message-item.ts'
export type {
  Controlled,
  ForkFields,
  LifecycleCalls,
  StateOptions,
  UpgradeFields,
} from './lifecycle-calls.ts'
export type { HandedOver, HandoverCalls, HandoverFields } from './handover.ts'
export type { ModuleCalls } from './module-calls.ts'
export type { ProcessCalls } from './process-calls.ts'
export { ProcessHandle } from './process-handle.ts'
export type { ProcessRef, TypedCallOptions } from './process-ref.ts'
export type { ProcessResult } from './process-results.ts'
export { Sent } from './sent.ts'
export type { Surroundings } from './surroundings.ts'
export type { SpawnedProcess, TypedSpawnFields } from './spawn-typed.ts'
export type { Transport } from './transport.ts'
export type { ProofOptions } from './export-proof.ts'
export { type VerifiedResult, verifyResult } from './verify.ts'

export {
  type ArweaveJwk,
  arweaveSigner,
  checkProof,
  ed25519Signer,
  Failure,
  fromUtf8,
  generateEd25519Seed,
  type ProofReport,
  type ProofStep,
  type ProofTrust,
  type ProvenResult,
  type ResultView,
  secp256k1Signer,
  type Signer,
  type Tag,
  toUtf8,
  type TraceView,
  verifyProof as verify,
} from '../protocol/index.ts'
