/** The `ao` runtime: unmodified aos and ao modules behind the ports of guests. */
export { AO_FORMATS } from './formats.ts'
export { aoRuntime } from './runtime.ts'
