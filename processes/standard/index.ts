import { fileURLToPath } from 'node:url'
import type { Tag } from '../../protocol/index.ts'

/** The processes that come with Atoll; each file of `assembly/` says what its process takes. */
export const STANDARD_PROCESSES = ['counter', 'ledger', 'registry', 'relay'] as const
export type StandardProcess = (typeof STANDARD_PROCESSES)[number]

/** Tags a module item of a standard process needs: they keep all their state in cells. */
export const STANDARD_MODULE_TAGS: readonly Tag[] = [
  { name: 'Module-Format', value: 'actor' },
  { name: 'Actor-Memory', value: 'scratch' },
]

/** Path of the built module: `node processes/standard/build.mjs` makes it. */
export function standardProcessPath(name: StandardProcess): string {
  return fileURLToPath(new URL(`build/${name}.wasm`, import.meta.url))
}
