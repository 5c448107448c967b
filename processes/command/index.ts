import type { Runtime } from '../../protocol/index.ts'
import { loadCommand, prepareCommand } from './prepare.ts'

/**
 * The runtime of format `command`: a WASI program that is run afresh for each message, whose state is
 * files. docs/protocol/command.md is what programs rely on.
 */
export const commandRuntime: Runtime = {
  formats: ['command'],
  assignable: false,
  prepare: prepareCommand,
  load: loadCommand,
}
