import { keepCompiledCode } from './compiled-code.ts'
import { startWithEngine } from './engine.ts'
import { holdBundle } from './held-bundle.ts'
import { refuseOldNode } from './node-version.ts'

/** What a start of the command begins with, from the bundle in `folder` if it has one; does not come back if the program is started again with its engine set. */
export function begin(folder?: URL): void {
  refuseOldNode()
  if (process.argv[2] === 'up') startWithEngine(process.argv)
  keepCompiledCode(process.env)
  if (folder !== undefined) holdBundle(folder)
}
