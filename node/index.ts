// The composition root: the only room that knows every other.
export {
  CONFIG_FILE,
  type Config,
  type ConfigSources,
  type LoadedConfig,
  loadConfig,
  type Origin,
  type Setting,
  type SettingName,
} from './config.ts'
export { FeedFollowing, type FollowedFeed } from './following/feed-following.ts'
export { clerkProgram } from './programs/clerk-program.ts'
export { type HostProgram, hostProgram } from './programs/host-program.ts'
export { type NodeKeys, openKeystore } from './keystore.ts'
export { FeedPull } from './following/feed-pull.ts'
export { HandoverDesk } from './handovers/handover-desk.ts'
export { Handovers } from './handovers/handovers.ts'
export type { EpochPeers } from './handovers/epoch-news.ts'
export { LearnedProcesses } from './learning/learned-processes.ts'
export { News } from './following/news.ts'
export { ProloguePull } from './handovers/prologue-pull.ts'
export { tellWhoIsBehind } from './handovers/tell-who-is-behind.ts'
export type { EffectOptions } from './effects.ts'
export { type AiSdk, type AiSdkModel, type AiSdkOffer, aiSdkGenerate } from '../messenger-unit/index.ts'
export { createLogger, type NodeLogger } from './logger.ts'
export { hostCrypto } from './crypto/host-crypto.ts'
export { nativeFrameCipher } from './crypto/frame-cipher.ts'
export { nativeCrypto } from './crypto/native-crypto.ts'
export { returnMemory } from './memory/return-memory.ts'
export { AtollNode, createNode } from './node.ts'
export type { NodeOptions } from './node-options.ts'
export { type StandardModule, standardModules } from './learning/standard-modules.ts'
export { openUnits, type UnitObserver, type Units } from './opening/open-units.ts'
export type { UnitName } from './unit-roles.ts'
export { type ProcessSource, type SourcedCertificate, sourceFromLog } from './learning/process-source.ts'
export { systemClock } from './system-clock.ts'
export { type VerifiedStep, type VerifyOptions, verifyProcess, type VerifyReport } from './operating/verify-process.ts'
export { importIntoFolder, isRunning, restoreBackup } from './operating/data-folder-work.ts'
export { type CheckedFeed, checkFeedFile, feedFile } from './following/feed-file.ts'
