/** The `ao` runtime: unmodified aos and ao modules behind the ports of guests. */
export { blockHeightAt } from './block-height.ts'
export { AO_FORMATS } from './formats.ts'
export { aoRuntime } from './runtime.ts'
