import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fromUtf8, HostFault } from '../../protocol/index.ts'
import expected from './engine-hash.json' with { type: 'json' }
import { preludeStamp } from './prelude-stamp.ts'

/** What a build made for this very version, as `build-engine.mjs` names it: others may lie beside it. */
const ENGINE_FILE = `engine-${expected.sha256.slice(0, 8)}.wasm`
const MEND = '"npm run setup" makes it in a clone; a package is to be installed again'

/** The engine of agents: it decides gas and state roots, so it is this one or none. @throws {HostFault} */
export function readEngine(folder: URL): Uint8Array {
  const bytes = readBuilt(folder, ENGINE_FILE)
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found !== expected.sha256) throw new HostFault(`${ENGINE_FILE}, the engine of agents, is damaged: ${MEND}`)
  return bytes
}

const PRELUDE_FILE = 'prelude.js'

/** What runs in the engine before any agent. @throws {HostFault} */
export const readPrelude = (folder: URL): Uint8Array => readBuilt(folder, PRELUDE_FILE)

/**
 * Reads the prelude at once, and gives what gives it: a program that runs from sources fits the one that was made of those which lay
 * there when it began, and the next build replaces it. What is given throws a HostFault, if there was none, or one of other sources.
 */
export function holdPrelude(folder: URL): () => Uint8Array {
  try {
    const held = readPrelude(folder)
    if (fromUtf8(readBuilt(folder, 'stamp')) === preludeStamp()) return () => held
  } catch (fault) {
    return () => {
      throw fault
    }
  }
  return () => {
    throw new HostFault(
      `${PRELUDE_FILE} is not of the sources beside it: "npm run setup" makes it anew; then restart the node`,
    )
  }
}

function readBuilt(folder: URL, name: string): Uint8Array {
  try {
    return readFileSync(new URL(name, folder))
  } catch (cause) {
    throw new HostFault(`${name}, which agents of this version run on, cannot be read: ${MEND}`, { cause })
  }
}
