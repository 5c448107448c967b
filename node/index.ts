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
export { FeedFollowing, type FollowedFeed } from './feed-following.ts'
export { clerkProgram } from './clerk-program.ts'
export { type HostProgram, hostProgram } from './host-program.ts'
export { type NodeKeys, openKeystore } from './keystore.ts'
export { FeedPull } from './feed-pull.ts'
export { HandoverDesk } from './handover-desk.ts'
export { Handovers } from './handovers.ts'
export type { EpochPeers } from './epoch-news.ts'
export { LearnedProcesses } from './learned-processes.ts'
export { News } from './news.ts'
export { ProloguePull } from './prologue-pull.ts'
export { tellWhoIsBehind } from './tell-who-is-behind.ts'
export type { EffectOptions } from './effects.ts'
export { createLogger, type NodeLogger } from './logger.ts'
export { hostCrypto } from './host-crypto.ts'
export { nativeCrypto } from './native-crypto.ts'
export { AtollNode, createNode } from './node.ts'
export type { NodeOptions } from './node-options.ts'
export { type StandardModule, standardModules } from './standard-modules.ts'
export { openUnits, type UnitObserver, type Units } from './open-units.ts'
export type { UnitName } from './unit-roles.ts'
export { type ProcessSource, type SourcedCertificate, sourceFromLog } from './process-source.ts'
export { systemClock } from './system-clock.ts'
export { type VerifiedStep, type VerifyOptions, verifyProcess, type VerifyReport } from './verify-process.ts'
export { importIntoFolder, isRunning, restoreBackup } from './data-folder-work.ts'
export { type CheckedFeed, checkFeedFile, feedFile } from './feed-file.ts'
