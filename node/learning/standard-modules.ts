import { readFile } from 'node:fs/promises'
import {
  STANDARD_MODULE_TAGS,
  STANDARD_PROCESSES,
  type StandardProcess,
  standardProcessPath,
} from '../../processes/index.ts'
import type { Tag } from '../../protocol/index.ts'

/** A module that comes with Atoll, ready to be signed and added. */
export interface StandardModule {
  readonly name: StandardProcess
  readonly wasm: Uint8Array
  readonly tags: readonly Tag[]
}

/** The modules that come with Atoll, as built. */
export async function standardModules(): Promise<StandardModule[]> {
  return Promise.all(
    STANDARD_PROCESSES.map(async name => ({
      name,
      wasm: new Uint8Array(await readFile(standardProcessPath(name))),
      tags: STANDARD_MODULE_TAGS,
    })),
  )
}
