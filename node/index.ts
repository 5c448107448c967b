// The composition root: the only room that knows every other.
export { CONFIG_FILE, type Config, type ConfigSources, type LoadedConfig, loadConfig, type Origin, type Setting, type SettingName } from './config.ts'
export { type NodeKeys, openKeystore } from './keystore.ts'
export { createLogger, type NodeLogger } from './logger.ts'
export { nativeCrypto } from './native-crypto.ts'
export { AtollNode, createNode, type NodeOptions } from './node.ts'
export { type StandardModule, standardModules } from './standard-modules.ts'
